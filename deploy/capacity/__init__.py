"""How large an installation has to be for a wanted load: a model that anybody can run (docs/scaling.md)."""
