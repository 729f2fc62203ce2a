"""What a member means that writes back: words that end messages, or begin them again, in the built-in languages.

STOP, UNSUBSCRIBE and QUIT are those that the CTIA's Messaging Principles and Best Practices (2023, section 5.1.3) name
for texts; of its list CANCEL and END are left out, which to a shop mean an order. T, TD and 退订 are those of Chinese
texts; /stop and /start the commands of bots.
"""

import re
import unicodedata
from enum import StrEnum

LONGEST_REPLY = 10_000
_STOP = frozenset(
    (
        *("stop", "stopall", "stop all", "unsubscribe", "quit", "/stop"),
        *("退订", "取消订阅", "停止", "td", "t"),
        *("baja", "parar", "darme de baja"),
        *("إيقاف", "ايقاف", "توقف", "إلغاء الاشتراك", "الغاء الاشتراك"),
    )
)
_START = frozenset(
    (
        *("start", "unstop", "subscribe", "/start"),
        *("订阅", "恢复"),
        "alta",
        *("اشتراك", "ابدأ"),
    )
)
_COMMAND = re.compile(r"(/[a-z]+)(@\w+)?( .*)?", re.DOTALL)
"""Of a bot: in groups it names the bot, and what a link brought may follow."""


class Meaning(StrEnum):
    """What a reply means."""

    OTHER = "OTHER"
    STOP = "STOP"
    START = "START"


def meaning_of(text: str) -> Meaning:
    """Tell what a reply means: a word by itself counts, one inside a sentence does not."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    around = "".join({letter for letter in folded if not letter.isalnum() and letter != "/"})
    word = " ".join(folded.strip(around).split()) if around else folded
    if command := _COMMAND.fullmatch(word):
        word = command[1]
    if word in _STOP:
        return Meaning.STOP
    return Meaning.START if word in _START else Meaning.OTHER
