"""Consumer groups: their members, their generations, and the positions they committed."""
