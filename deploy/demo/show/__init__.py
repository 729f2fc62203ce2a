"""What the audience sees: plain lines, or a live view on a terminal."""
