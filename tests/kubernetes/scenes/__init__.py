"""What the engine must do in a cluster, one promise or family of promises a file."""
