"""Draws a dashboard from real numbers: a stack under load, a Prometheus beside it, and the board's own questions."""
