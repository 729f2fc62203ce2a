"""What a scene is made of: a campaign, members, steps. Amounts are minor units, lengths of time seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Item:
    """Something sold; `alone` is its price without a team."""

    sku: str
    alone: int


@dataclass(frozen=True, slots=True)
class Discount:
    """What one tier takes off: `price` and `off` are amounts, `percent_off` basis points; no sku or role: all."""

    kind: str
    value: int
    sku: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """From this fill on, these discounts."""

    start: int
    discounts: tuple[Discount, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a campaign's teams, in the words of the protos without their prefix."""

    payment: str
    minimum: int
    maximum: int
    counted_in: str
    hold_seconds: float
    team_seconds: float
    leave_until: str
    close_when_full: bool
    max_units: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """An offer; `titles` and `terms` by language."""

    currency: str
    seller: str
    merchant: str
    time_zone: str
    titles: Mapping[str, str]
    terms: Mapping[str, str]
    basis: str
    items: tuple[Item, ...]
    tiers: tuple[Tier, ...]
    rules: Rules
    line: int


@dataclass(frozen=True, slots=True)
class Member:
    """A buyer, and the channels that reach them in the order they are tried."""

    name: str
    reach: tuple[str, ...]
    language: str = ""
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the audience something."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Open:
    """A member opens a team, and pays unless told otherwise."""

    member: str
    sku: str
    quantity: int
    pay: bool
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Share:
    """A member shares the team in chats: one invite each."""

    member: str
    chats: tuple[str, ...]
    note: str
    line: int


@dataclass(frozen=True, slots=True)
class Join:
    """A member joins by the link shared in a chat, and pays unless told otherwise."""

    member: str
    by: str
    sku: str
    quantity: int
    pay: bool
    at_most: int | None
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Pay:
    """A member makes the commitment that the payment mode asks; `amount` where another one shall be tried."""

    member: str
    amount: int | None
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Leave:
    """A member gives the seat back."""

    member: str
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Revoke:
    """The link shared in a chat is taken back."""

    chat: str
    line: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass."""

    seconds: float
    line: int


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Wait until the team is in a state, at most so long."""

    state: str
    within: float
    line: int


@dataclass(frozen=True, slots=True)
class Receipts:
    """Show what each of these members pays, why, and what comes back; nobody named means everybody."""

    members: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Letter:
    """Show the last message that a member received."""

    member: str
    line: int


@dataclass(frozen=True, slots=True)
class Kill:
    """End a part of the stack by kill -9; it is started again."""

    part: str
    line: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many members join by one link, each by calls of its own; `kill` ends a part when so many seats were answered."""

    size: int
    within: float
    by: str
    reach: tuple[str, ...]
    kill: str
    at_seat: int
    line: int


@dataclass(frozen=True, slots=True)
class Expect:
    """What must be true now or soon (`within` seconds), or the demo fails; each item None where nothing is expected."""

    line: int
    within: float
    state: str | None = None
    confirmed: int | None = None
    held: int | None = None
    price: int | None = None
    missing: int | None = None
    charged: int | None = None
    within_caps: bool | None = None
    told: Mapping[str, int] = field(default_factory=dict)
    seated: int | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    lost: int | None = None
    twice: int | None = None


Step: TypeAlias = (
    Say | Open | Share | Join | Pay | Leave | Revoke | Wait | WaitFor | Receipts | Letter | Kill | Crowd | Expect
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene; `campaign` and `members` include those of the scene that it continues."""

    name: str
    path: Path
    title: str
    story: str
    continues: str
    campaign: Campaign
    members: Mapping[str, Member]
    steps: tuple[Step, ...]
