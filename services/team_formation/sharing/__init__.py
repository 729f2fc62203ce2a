"""Sharing an invite: channels as data, templates, the words around a link, its code found in a text again, QR codes."""
