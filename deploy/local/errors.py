"""The errors of the local stack and the command line: what is wrong, and what to do about it."""


class LocalError(Exception):
    """Something on this machine keeps a part from running.

    `problem` is one sentence for the user, `remedy` says what to do; neither is a stack trace.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n{remedy}")
        self.problem = problem
        self.remedy = remedy


class ServerAway(LocalError):
    """A server that is needed does not answer now; later it may."""
