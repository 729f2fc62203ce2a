"""What keeps the test from running, and what it found."""


class CannotRunError(Exception):
    """This machine lacks something; the text names all of it, and the remedy."""


class ClusterError(Exception):
    """A part of the cluster did not do what it was asked."""


class FoundError(Exception):
    """The engine, or its manifests, broke a promise that the test looks at."""
