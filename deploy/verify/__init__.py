"""Computes prices again from explanations, apart from the engine: verifier.py may be taken away alone."""
