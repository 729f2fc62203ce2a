"""What ids and words from outside may look like."""

import ipaddress
import re
from dataclasses import dataclass
from unicodedata import category

LONGEST_ID = 64
_VISIBLE = re.compile(r"[!-~]*")
_DIALLED = re.compile(r"\+?[0-9()./-]+")
_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}
_PHONE_DIGITS = range(10, 16)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, and how to mend it."""

    field: str
    description: str


def check_reference(field: str, value: str, *, needed: bool = False, longest: int = LONGEST_ID) -> list[Problem]:
    """Check an id that the platform made: visible ASCII, bounded, empty only where it may be."""
    if not value and not needed:
        return []
    if 1 <= len(value) <= longest and _VISIBLE.fullmatch(value):
        return []
    return [Problem(field, f"must be 1 to {longest} visible ASCII characters without spaces")]


def check_member_id(field: str, value: str) -> list[Problem]:
    """Check a member or promoter id; what looks like an e-mail address or a phone number is refused."""
    if problems := check_reference(field, value, needed=True):
        return problems
    if "@" in value or (_DIALLED.fullmatch(value) and _dials(value)):
        return [Problem(field, "looks like an e-mail address or phone number; send an opaque id of your own instead")]
    return []


def check_tag(field: str, value: str) -> list[Problem]:
    """Check an opaque tag of a device or an address; what looks like what it should stand for is refused."""
    if problems := check_reference(field, value):
        return problems
    if "@" in value or _is_address(value) or (_DIALLED.fullmatch(value) and _dials(value)):
        what = "looks like an e-mail address, phone number or IP address; send a keyed hash of it instead"
        return [Problem(field, what)]
    return []


def _is_address(value: str) -> bool:
    """Tell whether a text is an IP address, with a port or a network's length or without."""
    if "." not in value and ":" not in value:
        return False
    bare = value.rpartition("/")[0] or value
    return any(_is_ip(text.strip("[]")) for text in (bare, bare.rpartition(":")[0]))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _dials(value: str) -> bool:
    digits = sum(letter.isdigit() for letter in value)
    return digits in _PHONE_DIGITS or (digits > 0 and value.startswith("+"))


def is_written(text: str, *, lines: bool = False) -> bool:
    """Tell whether a text is free of control characters; with `lines` it may have line breaks and tabs."""
    allowed = "\n\r\t" if lines else ""
    return all(letter in allowed or category(letter) not in _CONTROLS for letter in text)
