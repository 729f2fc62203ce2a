"""A real Kubernetes on this machine, and what the engine must do in it (docs/kubernetes-test.md)."""
