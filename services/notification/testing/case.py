"""What the conformance suite is told of a channel: how it is played, and what must come of what its service does."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.notification.channels import Channel, Letter, Outcome
from services.notification.domain import Kind

ACCEPT, BUSY, REFUSE, GONE, MISCONFIGURED = "accept", "busy", "refuse", "gone", "misconfigured"
"""It takes the message; asks to come later; will not take it there; never will again; our own account is wrong."""
SLOW, CUT, GARBAGE = "slow", "cut", "garbage"
"""It does not answer; cuts the connection; says what is not its protocol."""

_LETTER = Letter(
    delivery_id=UUID(int=7),
    address="",
    kind=Kind.PRICE_FELL,
    member_id="mei",
    team_id="team_x",
    language="zh-Hans",
    subject="Le prix baisse: 芒果 €34.90",
    body="您现在只需支付€34.90。\nLigne deux, éèà.\n",
    written_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
)


def a_letter(
    address: str,
    delivery_id: UUID = _LETTER.delivery_id,
    *,
    subject: str = _LETTER.subject,
    body: str = _LETTER.body,
    link: str = "",
    link_label: str = "",
    place: str = "",
    place_label: str = "",
) -> Letter:
    """Make a message: two languages, two lines; without links unless some are given."""
    return replace(
        _LETTER,
        address=address,
        delivery_id=delivery_id,
        subject=subject,
        body=body,
        link=link,
        link_label=link_label,
        place=place,
        place_label=place_label,
    )


@dataclass(frozen=True)
class Taken:
    """A message that the sink took: to whom, what a person reads, the idempotency key if any, where a button leads.

    The channel may have edited one of before; `to` is empty then where the service is not told it again.
    """

    to: str
    text: str
    key: str = ""
    link: str = ""
    edits: str = ""
    """Which message of before it took the place of."""
    place: str = ""
    """Where the second button leads, if there is one."""


@dataclass
class Sink:
    """A server that messages are really sent to: what it took, and how often a message was brought to it."""

    taken: list[Taken] = field(default_factory=list)
    sends: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self) -> None:
        """Count an attempt to send a message, whatever comes of it; asking for a token is none."""
        self.sends += 1
        self.heard.set()

    async def stop(self) -> None:
        """Be away from now on; a second time changes nothing."""


@dataclass(frozen=True)
class Stage:
    """A channel and the sink it talks to, with an address the sink knows and the account to send by."""

    channel: Channel
    sink: Sink
    address: str
    account: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Expect:
    """What must come of an attempt: the class of outcome, and all that it says to the sender."""

    kind: type[Outcome]
    after: timedelta | None = None
    whole_account: bool = False
    is_gone: bool = False

    def problem(self, outcome: Outcome) -> str:
        """Say how an outcome differs; empty where it does not."""
        seen = Expect(
            type(outcome),
            getattr(outcome, "after", None),
            getattr(outcome, "whole_account", False),
            getattr(outcome, "is_gone", False),
        )
        return "" if seen == self else f"must be {self}, is {outcome}"


def _subject_and_body(letter: Letter) -> Sequence[str]:
    return letter.subject, letter.body


@dataclass(frozen=True)
class Case:
    """One channel, for the suite."""

    name: str
    play: Callable[[str], AbstractAsyncContextManager[Stage]]
    """Runs a sink that does what the mode says, as its service documents it, and a channel that sends to it."""
    modes: Mapping[str, Expect]
    """By mode, what must come of an attempt. ACCEPT always; remote ones BUSY, REFUSE, CUT and GARBAGE too, those with
    a secret MISCONFIGURED; and a mode with a name of your own for each further error that the service documents."""
    good: Sequence[str] = ()
    """Addresses that are fine; the sink's own is tried besides."""
    bad: Sequence[str] = ("",)
    """Texts that cannot be addresses."""
    bad_accounts: Sequence[tuple[str, Mapping[str, str]]] = ()
    """Settings that cannot be right, each with the name of the field to be complained of."""
    is_remote: bool = True
    """Whether it talks to a server at all."""
    has_key: bool = False
    """Whether the service drops, or can tell, a second message with the same idempotency key."""
    has_button: bool = False
    """Whether a letter's link becomes a button."""
    has_second_button: bool = False
    """Whether a letter's place becomes a button beside the one for its link."""
    edits: bool = False
    """Whether a letter can take the place of one that was sent."""
    shows: Callable[[Letter], Sequence[str]] = _subject_and_body
    """What of a letter a person must be able to read, piece by piece."""

    @property
    def needed(self) -> frozenset[str]:
        """The modes that its table cannot do without."""
        remote = {BUSY, REFUSE, CUT, GARBAGE} if self.is_remote else set()
        return frozenset({ACCEPT, *remote})
