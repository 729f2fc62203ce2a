"""The errors of the demo: each says in a line what is wrong, and what to do."""


class DemoError(Exception):
    """Something ends the demo; the text is for the user."""


class SceneError(DemoError):
    """A scene cannot be read: file, line, the wrong word, the remedy."""
