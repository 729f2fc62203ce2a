"""Finds links and commands in what somebody wrote to an app."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

LONGEST_LINK = 2_048
MOST_LINKS = 10
_LONGEST_ARGUMENT = 256
_LINK = re.compile(r"https?://[^\s<>\"'`|\\^{}\u3001\u3002\uff01\uff08\uff09\uff0c\uff1b\uff1f\u300a\u300b]{1,4096}")
_BEHIND = ".,;:!?)]*_~"
"""What ends a sentence or a formatting, and seldom a link."""
_WHOLE = re.compile(r"https?://[^\s<>\"\x00-\x20\x7f]+", re.IGNORECASE)
_MENTIONS = re.compile(r"\A(?:\s*(?:<@[^<>\s]{1,64}>|@\S{1,64}))*\s*")
_WORDS = re.compile(r"(?P<slash>/?)(?P<word>[^\s/@]{1,64})(?:@\S{1,64})?(?:\s+(?P<rest>.*))?", re.DOTALL)
_LINK_OR_INVITE = r"[0-9A-Z]{12}|https?://\S+"
_CHAT_CODE = r"(?=[A-Z]*[2-9])[2-9A-HJKMNP-Z]{10}"
_NUMBER = r"[0-9]{4} ?[0-9]{4} ?[0-9]{4}"


class Command(StrEnum):
    """What somebody tells the app to do."""

    NONE = ""
    START = "start"
    """Begin, with what a link or QR code carried."""
    STATUS = "status"
    LEAVE = "leave"
    STOP = "stop"
    """No more messages here."""
    OTHER = "other"
    """A command that is not known."""


_BELONGS = {
    Command.START: re.compile(f"{_LINK_OR_INVITE}|{_CHAT_CODE}", re.IGNORECASE),
    Command.STATUS: re.compile(_LINK_OR_INVITE, re.IGNORECASE),
    Command.LEAVE: re.compile(f"{_NUMBER}|(?=[A-Z]*[0-9])[0-9A-Z]{{12}}|https?://\\S+", re.IGNORECASE),
}
"""What stands behind a bare word for it to be a command: an invite, a member's code, a number that was asked for."""

_KNOWN = {one.value: one for one in (Command.START, Command.STATUS, Command.LEAVE, Command.STOP)}


def links_in(text: str) -> tuple[str, ...]:
    """Find links in a text, each once, in order."""
    return kept(found.rstrip(_BEHIND) for found in _LINK.findall(text))


def kept(links: Iterable[str]) -> tuple[str, ...]:
    """Keep the links that are http or https and not too long, each once, the first ten."""
    fit = (one for one in links if len(one) <= LONGEST_LINK and _WHOLE.fullmatch(one))
    return tuple(dict.fromkeys(fit))[:MOST_LINKS]


def command_in(text: str, *, is_sure: bool = False) -> tuple[Command, str]:
    """Find the command that a text is, and what stands behind it; mentions before it do not count.

    With a slash, or where it is sure to be one (a button, a command's own words), any argument may follow. A bare word
    counts alone or with what belongs to it: "leave" and "leave 4839 2017 5521", but not "leave it to me".
    """
    found = _WORDS.fullmatch(_MENTIONS.sub("", text, count=1))
    if not found:
        return Command.NONE, ""
    word, rest = found["word"].lower(), (found["rest"] or "").strip()
    is_meant = bool(found["slash"]) or is_sure
    known = _KNOWN.get(word)
    if known and (is_meant or not rest or _behind(known, rest)):
        return known, rest[:_LONGEST_ARGUMENT]
    return (Command.OTHER, rest[:_LONGEST_ARGUMENT]) if is_meant else (Command.NONE, "")


def _behind(command: Command, rest: str) -> bool:
    belongs = _BELONGS.get(command)
    return bool(belongs and belongs.fullmatch(rest))


@dataclass(frozen=True, slots=True)
class Said:
    """A text, and what was found in it."""

    text: str = ""
    """At most 10,000 characters."""
    links: tuple[str, ...] = ()
    """At most 10 of http and https."""
    command: Command = Command.NONE
    argument: str = ""
    """What stands behind the command: a code or link, usually."""

    @property
    def besides(self) -> str:
        """What is said besides links."""
        return " ".join(_LINK.sub(" ", self.text).split())


NOTHING = Said()


def said(text: str, links: Iterable[str] = (), *, is_sure: bool = False) -> Said:
    """Read what somebody wrote, or a button's value. The links that the service names come before those in the text."""
    command, argument = command_in(text, is_sure=is_sure)
    return Said(text, kept((*links, *links_in(text))), command, argument)
