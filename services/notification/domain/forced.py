"""Words by which whoever tries things on a test platform has a service answer otherwise than it would."""

import re
from enum import StrEnum

_WORD = re.compile(
    r"test[-_](?:([a-z]+)[-_])?(gone|throttled|refused|unavailable)(?:[-_]([1-9][0-9]?))?", re.IGNORECASE
)


class Play(StrEnum):
    """What the service in front of a test platform does with a request."""

    TAKEN = "TAKEN"
    GONE = "GONE"
    """It never takes anything there any more."""
    THROTTLED = "THROTTLED"
    """It asks to come later, and says when where its protocol has a word for that."""
    REFUSED = "REFUSED"
    """It does not take this there."""
    UNAVAILABLE = "UNAVAILABLE"
    """It is in trouble itself."""


def play_of(channel: str, texts: tuple[str, ...], tries: int) -> Play:
    """Read what an address or a member id asks for, as `test-throttled-2`, after `tries` attempts that were made.

    A number says how many attempts are answered so, before one is taken; a channel's name, as in `test-email-gone`,
    for which channel it is meant. The first word that is meant for the channel decides.
    """
    for text in texts:
        for meant, word, times in _WORD.findall(text):
            if meant.lower() in {"", channel} and (not times or tries < int(times)):
                return Play(word.upper())
    return Play.TAKEN
