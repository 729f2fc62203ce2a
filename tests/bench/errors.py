"""The one error of the benchmark."""


class BenchError(Exception):
    """Something makes a measurement worthless; the text is a sentence for whoever started it."""
