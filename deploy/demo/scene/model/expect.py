"""What must be true at a point of a scene, or the demo fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Promoted:
    """What a promoter's invites must have brought; numbers by their name in the report, amounts in minor units."""

    promoter: str
    numbers: Mapping[str, int]
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Expect:
    """What must be true now or soon (`within` seconds); each item None or empty where nothing is expected."""

    line: int
    within: float
    state: str | None = None
    confirmed: int | None = None
    held: int | None = None
    waiting: int | None = None
    sponsored: int | None = None
    price: int | None = None
    missing: int | None = None
    charged: int | None = None
    within_caps: bool | None = None
    leads: str = ""
    seats: Mapping[str, str] = field(default_factory=dict)
    """How members' seats stand, or why they were given back, in small letters."""
    caps: Mapping[str, int] = field(default_factory=dict)
    pays: Mapping[str, int] = field(default_factory=dict)
    """What members pay by all their settlement lines."""
    back: Mapping[str, int] = field(default_factory=dict)
    """What comes back to members by all their settlement lines."""
    settled: Mapping[str, int] = field(default_factory=dict)
    """How many settlement lines there are of a cause."""
    told: Mapping[str, int] = field(default_factory=dict)
    over: Mapping[str, str] = field(default_factory=dict)
    """By which channel members were told last."""
    promoted: Promoted | None = None
    campaign: str | None = None
    seated: int | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    lost: int | None = None
    twice: int | None = None
