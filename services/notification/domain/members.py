"""Members as notification knows them, and what a member id or a language must look like."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.wishes import NO_WISHES, Wishes

_LONGEST_ID = 64
_MOST_TAGS = 20
_WORD = re.compile(r"[a-z0-9_.-]{1,40}")
_PHONE_DIGITS = range(10, 16)
_DIALLED = re.compile(r"\+?[0-9()./-]+")
# RFC 5646 section 2.1 without grandfathered and private-use-only tags: language, script, region, variants, extensions.
_TAG = re.compile(
    r"[a-z]{2,3}(-[a-z]{3}){0,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?(-([a-z\d]{5,8}|\d[a-z\d]{3}))*"
    r"(-[a-wyz\d](-[a-z\d]{2,8})+)*(-x(-[a-z\d]{1,8})+)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Consent:
    """Where and when a member agreed to be sent promotions at a contact point, as the platform has recorded it."""

    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """One way to reach a member: the channel's name, and the address as the channel understands it."""

    channel: str
    address: str
    gone: str = ""
    """Why nothing is sent there any more, as its channel said; empty while something is."""
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """How a member can be reached; an empty language or time zone means the campaign's."""

    member_id: str
    language: str = ""
    time_zone: str = ""
    points: tuple[Point, ...] = ()
    wishes: Wishes = NO_WISHES
    tags: tuple[str, ...] = ()
    """What the platform groups it by."""


def tags_problem(tags: Sequence[str]) -> str | None:
    """Say what is wrong with tags; none is fine."""
    if len(tags) > _MOST_TAGS or len(set(tags)) < len(tags) or not all(map(_WORD.fullmatch, tags)):
        return f"must be at most {_MOST_TAGS}, each once, of 1 to 40 small letters, digits, _, - and ."
    return None


def member_id_problem(member_id: str) -> str | None:
    """Say what is wrong with a member id: it must be opaque, so an e-mail address or phone number is refused."""
    if not 1 <= len(member_id) <= _LONGEST_ID or not all("!" <= letter <= "~" for letter in member_id):
        return f"must be 1 to {_LONGEST_ID} visible ASCII characters"
    if "@" in member_id:
        return "looks like an e-mail address; send an opaque id of your own instead"
    digits = sum(letter.isdigit() for letter in member_id)
    if _DIALLED.fullmatch(member_id) and (digits in _PHONE_DIGITS or (digits and member_id.startswith("+"))):
        return "looks like a phone number; send an opaque id of your own instead"
    return None


def language_problem(language: str) -> str | None:
    """Say what is wrong with a language tag; an empty one is fine."""
    if language and (len(language) > _LONGEST_ID or not _TAG.fullmatch(language)):
        return 'must be a BCP 47 tag, for instance "en" or "zh-Hans", or empty for the campaign\'s'
    return None
