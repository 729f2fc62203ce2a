"""Draws what made-up members of a crowd do, from a seed: the same wherever and whenever it is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from services.team_formation.domain.campaign import CountedIn, Rules

MOST_MEMBERS = 1_000
WHOLE = 100
_PREFIX = "test_member_"


@dataclass(frozen=True, slots=True)
class Stranger:
    """A made-up member: its number from 1 on, and what it does once it has a seat."""

    number: int
    member_id: str
    confirms: bool
    leaves: bool


def crowd(seed: int, members: int, confirming_percent: int, leaving_percent: int) -> Iterator[Stranger]:
    """Draw a crowd; a larger one of the same seed begins with the same members."""
    for number in range(1, members + 1):
        confirms = _draw(seed, number, "confirms") < confirming_percent
        leaves = _draw(seed, number, "leaves") < leaving_percent
        yield Stranger(number, f"{_PREFIX}{seed}_{number}", confirms, leaves)


def members_of_a_team(rules: Rules, quantity: int) -> int:
    """Tell how many members with so many units each a team takes; at least one, who is told if it is too much."""
    return rules.maximum if rules.counted_in is CountedIn.MEMBERS else max(rules.maximum // quantity, 1)


def _draw(seed: int, number: int, what: str) -> int:
    return int.from_bytes(sha256(f"{seed} {number} {what}".encode()).digest()) % WHOLE
