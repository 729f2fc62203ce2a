"""The web edge: what a visitor of a share link sees. It reads what the service stores, and a GET changes nothing."""
