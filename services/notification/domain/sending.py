"""What is done with a delivery when its turn comes, and what follows from an attempt."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from services.notification.domain.kinds import CONCERNS, Concern
from services.notification.domain.truth import Standing, no_longer_true
from services.notification.domain.wishes import NO_WISHES, Wishes

_TRIES_IN_A_ROW = 3
_NO_PAUSES: Mapping[str, "Pause"] = {}


class State(StrEnum):
    """How a delivery stands; all but PENDING are final."""

    PENDING = "PENDING"
    SENT = "SENT"
    REFUSED = "REFUSED"
    SUPPRESSED = "SUPPRESSED"
    SUPERSEDED = "SUPERSEDED"
    DEAD = "DEAD"


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel took the message."""

    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """It may work later, not sooner than `after` where the channel named a time. Whether it arrived may be unknown.

    `whole_account` says that the service slows all that the platform sends there, not this message alone.
    """

    detail: str
    after: timedelta | None = None
    whole_account: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """This contact point will never take it; the next one is tried. `is_gone`: nor will it take anything else."""

    detail: str
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """The platform's account of the channel is wrong: an operator has to act, and until then all of it waits."""

    detail: str


Outcome: TypeAlias = Sent | Retry | Refused | Misconfigured


@dataclass(frozen=True, slots=True)
class Limits:
    """How often and how long a delivery is tried."""

    attempts: int = 40
    age: timedelta = timedelta(days=1)
    first_wait: timedelta = timedelta(seconds=1)
    longest_wait: timedelta = timedelta(minutes=15)
    misconfigured_wait: timedelta = timedelta(minutes=1)
    longest_pause: timedelta = timedelta(minutes=15)
    """Of a whole account, however long a service asks for."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One of a member's contact points; its id stays while channel and address do."""

    contact_id: UUID
    channel: str
    address: str
    problem: str = ""
    """Why the address cannot be read for now; empty where it can."""
    consents: bool = False
    """The member agreed to be sent promotions there."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a delivery has seen of one contact point."""

    attempts: int
    refused: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Try this contact point now."""

    contact: Contact


@dataclass(frozen=True, slots=True)
class Reroute:
    """Its turn is on another channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Try again from this time on."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """A platform's account of a channel rests: the service asked for it, or an operator has to mend a problem."""

    until: datetime
    problem: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The delivery is over."""

    state: State
    reason: str = ""


def next_step(
    standing: Standing,
    contacts: Sequence[Contact],
    tried: Mapping[UUID, Tried],
    now: datetime,
    limits: Limits,
    pauses: Mapping[str, Pause] = _NO_PAUSES,
    wishes: Wishes = NO_WISHES,
) -> Send | Reroute | Wait | End:
    """Decide what is done with a delivery whose turn has come; `contacts` in the member's order.

    `pauses` are the platform's, by channel. One that a service asked for is waited for; where an operator has to act,
    the member's next contact point is tried instead. `wishes` are the member's as they are now.
    """
    if reason := no_longer_true(standing, now):
        return End(State.SUPERSEDED, reason)
    if reason := _unwanted(standing, contacts, wishes):
        return End(State.SUPPRESSED, reason)
    contacts = _allowed(standing, contacts)
    if over := _given_up(standing, contacts, tried, now, limits):
        return over
    if quiet_until := wishes.quiet_until(standing.kind, standing.deadline, now):
        return Wait(quiet_until)
    if standing.window_ends and standing.window_ends > now:
        return Wait(standing.window_ends)
    return _try_next(standing, contacts, tried, {name: one for name, one in pauses.items() if one.until > now})


def _unwanted(standing: Standing, contacts: Sequence[Contact], wishes: Wishes) -> str | None:
    """Say why a member cannot be told, or does not want to be."""
    if not contacts:
        return "the member has no contact point any more"
    if reason := wishes.unwanted(standing.kind):
        return reason
    return None if _allowed(standing, contacts) else "the member agreed to promotions at no contact point"


def _allowed(standing: Standing, contacts: Sequence[Contact]) -> Sequence[Contact]:
    """Give the contact points that such a message may be sent to."""
    if CONCERNS[standing.kind] is not Concern.PROMOTION:
        return contacts
    return [item for item in contacts if item.consents]


def _given_up(
    standing: Standing, contacts: Sequence[Contact], tried: Mapping[UUID, Tried], now: datetime, limits: Limits
) -> End | None:
    """Tell how a delivery ends that was tried everywhere, too often or too long."""
    if all(item.contact_id in tried and tried[item.contact_id].refused for item in contacts):
        return End(State.REFUSED, "every contact point refused it")
    if standing.attempts >= limits.attempts:
        return End(State.DEAD, f"not accepted in {standing.attempts} attempts")
    if now >= standing.created_at + limits.age:
        return End(State.DEAD, f"not accepted in {_said(limits.age)}, {standing.attempts} attempts")
    return None


def _try_next(
    standing: Standing, contacts: Sequence[Contact], tried: Mapping[UUID, Tried], pauses: Mapping[str, Pause]
) -> Send | Reroute | Wait:
    contact = _turn_of(contacts, tried, {name for name, pause in pauses.items() if pause.problem})
    if contact.channel != standing.channel:
        return Reroute(contact.channel)
    pause = pauses.get(contact.channel)
    return Wait(pause.until) if pause else Send(contact)


def _turn_of(contacts: Sequence[Contact], tried: Mapping[UUID, Tried], broken: Collection[str]) -> Contact:
    """Give each contact point some tries in a row, in the member's order, round and round; broken ones come last."""
    never = Tried(0, refused=False)
    open_ones = [item for item in contacts if not tried.get(item.contact_id, never).refused]
    return min(
        open_ones,
        key=lambda item: (item.channel in broken, tried.get(item.contact_id, never).attempts // _TRIES_IN_A_ROW),
    )


def _said(age: timedelta) -> str:
    hours, rest = divmod(int(age.total_seconds()), 3600)
    return f"{hours} hours" if hours and not rest else f"{int(age.total_seconds())} seconds"


def after(
    outcome: Outcome, attempts: int, created_at: datetime, now: datetime, jitter: float, limits: Limits
) -> Wait | End:
    """Decide what follows from an attempt, the `attempts`-th; `jitter` (0 to 1) spreads what failed together.

    The wait doubles from attempt to attempt, half of it fixed, half by chance, and never outlasts the age.
    """
    least = timedelta()
    match outcome:
        case Sent():
            return End(State.SENT)
        case Refused():
            return Wait(now)
        case Retry(after=asked) if asked:
            least = asked
        case Misconfigured():
            return Wait(now)  # by another contact point at once, or as long as the account rests
    wait = max(_backoff(attempts, jitter, limits), least)
    return Wait(min(now + wait, max(now, created_at + limits.age)))


def pause_after(outcome: Outcome, now: datetime, limits: Limits) -> Pause | None:
    """Tell how long a platform's whole account of a channel rests after an attempt; None where it does not."""
    match outcome:
        case Misconfigured(detail):
            return Pause(now + limits.misconfigured_wait, detail)
        case Retry(after=asked, whole_account=True) if asked:
            return Pause(now + min(asked, limits.longest_pause))
        case _:
            return None


def _backoff(attempts: int, jitter: float, limits: Limits) -> timedelta:
    wait = min(limits.first_wait * (1 << min(attempts - 1, 30)), limits.longest_wait)
    return wait * (0.5 + jitter / 2)


def outcome_name(outcome: Outcome) -> str:
    """Name an outcome as attempts store and metrics count it."""
    return type(outcome).__name__.lower()
