"""Plays scenes: each step is a call as a shop makes it, then what follows is watched."""
