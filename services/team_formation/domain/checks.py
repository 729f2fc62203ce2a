"""What an outside id may look like."""

import re
from dataclasses import dataclass

LONGEST_ID = 64
_PHONE = re.compile(r"\+?[0-9](?:[0-9 ().-]*[0-9])?")
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
    if 1 <= len(value) <= longest and all("!" <= letter <= "~" for letter in value):
        return []
    return [Problem(field, f"must be 1 to {longest} visible ASCII characters without spaces")]


def check_member_id(field: str, value: str) -> list[Problem]:
    """Check a member or promoter id; what looks like an e-mail address or a phone number is refused."""
    if problems := check_reference(field, value, needed=True):
        return problems
    digits = sum(letter.isdigit() for letter in value)
    looks_dialled = _PHONE.fullmatch(value) and (digits in _PHONE_DIGITS or value.startswith("+"))
    if "@" in value or looks_dialled:
        return [Problem(field, "looks like an e-mail address or phone number; send an opaque id of your own instead")]
    return []
