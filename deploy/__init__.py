"""How the engine runs: its command line, the stack on one machine, images and clusters."""
