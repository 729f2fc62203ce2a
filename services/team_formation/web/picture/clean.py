"""Text from anywhere, made ready to be drawn on one line: bounded, and without what is no part of words."""

import re
from unicodedata import category, normalize

LONGEST = 400
"""Characters; twice of what a title has, and what three lines never hold."""
_MOST_MARKS = 3
"""On one letter: Hebrew and Thai have as many, a tower of them is made to be one."""

_IDLE_JOINERS = re.compile(r"(?:^|(?<=\s))[\u200c\u200d]+|[\u200c\u200d]+(?=\s|$)")
_SPACES = re.compile(r"\s+")
# Emoji that are always pictures, what makes others so, and the keys around digits: every chat shows them in the title
# beside the picture, and a font of letters has them as outlines if at all.
_EMOJI = re.compile("[\ufe0e\ufe0f\u20e3\U0001f000-\U0001faff]")
# Embeddings and overrides are for a page; text of ours uses isolates. Zero-width joiners and marks are letters' own.
_INVISIBLE = re.compile("[\u00ad\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]")
_DROPPED = frozenset({"Cs", "Co", "Cn"})
_BECOME_SPACE = frozenset({"Cc", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})


def cleaned(text: str) -> str:
    """Give a text as one line, composed (NFC), at most LONGEST characters of it."""
    kept = _IDLE_JOINERS.sub("", _EMOJI.sub("", _INVISIBLE.sub("", text[: 2 * LONGEST])))
    letters = [" " if category(letter) in _BECOME_SPACE else letter for letter in kept]
    composed = normalize("NFC", "".join(letter for letter in letters if category(letter) not in _DROPPED))
    return _SPACES.sub(" ", _few_marks(composed)).strip(" ")[:LONGEST]


def _is_mark(letter: str) -> bool:
    """Whether a character stands on, in or below the one before it."""
    return category(letter) in _MARKS


def _few_marks(text: str) -> str:
    kept, room = [], 0
    for letter in text:
        if not _is_mark(letter):
            room = 0 if letter.isspace() else _MOST_MARKS
            kept.append(letter)
        elif room:
            room -= 1
            kept.append(letter)
    return "".join(kept)
