"""Bringing a running team over: what happened in another system is played again, each step at its own time.

It is the ordinary path, so all that holds for a team holds for this one: versions, totals, room, caps. A cap that was
promised is kept. Where it is lower than the price at the fill, since others have left there, it is kept as the cap of a
quote is. Where it is higher, the price table promises less, and it is refused.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from services.team_formation.domain.checks import Problem
from services.team_formation.domain.commands import Brought, Confirm, Import, Join, Open
from services.team_formation.domain.confirming import confirm_seat
from services.team_formation.domain.prices import Quote
from services.team_formation.domain.taking import join_team, open_team
from services.team_formation.domain.team import (
    Around,
    Decision,
    Fact,
    Outcome,
    Refusal,
    Seat,
    SeatState,
    Team,
    Usage,
)


def import_team(around: Around, command: Import, usage: Callable[[str], Usage]) -> Decision | Problem:
    """Play a team's history up to now; the whole of it, or the first thing that is wrong, with the remedy.

    `around` is that of a new team now, `usage` tells what a member has in the campaign already.
    """
    if problem := next(_out_of_time(around, command), None):
        return problem
    played = _Play(around, command, usage)
    for _, confirms, at in sorted(_steps(command), key=lambda step: (step[0], step[1], step[2])):
        problem = played.confirm(at) if confirms else played.take(at)
        if problem:
            return problem
    return played.decision()


def _steps(command: Import) -> list[tuple[datetime, bool, int]]:
    """Give when each seat was taken and confirmed: the time, whether it is the confirmation, and which seat."""
    taken = [(seat.held_at, False, at) for at, seat in enumerate(command.seats)]
    return taken + [(seat.confirmed_at, True, at) for at, seat in enumerate(command.seats) if seat.confirmed_at]


class _Play:
    """A team while its history is played."""

    def __init__(self, around: Around, command: Import, usage: Callable[[str], Usage]) -> None:
        self._around = around
        self._command = command
        self._usage = usage
        self._left = dict(around.left)
        self._team: Team | None = None
        self._taken: dict[int, Seat] = {}
        self._facts: list[Fact] = []

    def take(self, at: int) -> Problem | None:
        """Take a seat at the cap that was promised; the first one opens the team."""
        seat, field = self._command.seats[at], f"seats[{at}]"
        decision = self._decided(seat, seat.join)
        if isinstance(decision, Refusal):
            return _refused(field, decision)
        if decision.seat and decision.seat.cap < seat.cap:
            told = f"{seat.cap} is above {decision.seat.cap}, the price at fill {decision.seat.cap_fill} with this seat"
            return Problem(f"{field}.cap", f"{told}; promise at most that, and give the member back what is above it")
        if decision.seat and decision.seat.cap > seat.cap:
            decision = self._decided(seat, replace(seat.join, quote=self._promise(seat)))
        if isinstance(decision, Refusal) or decision.seat is None:
            return _refused(field, decision if isinstance(decision, Refusal) else Refusal("TEAM_FULL"))
        if decision.seat.sku in self._left:
            self._left[decision.seat.sku] -= decision.seat.quantity
        self._enter(at, decision)
        return None

    def confirm(self, at: int) -> Problem | None:
        """Confirm a seat that was taken."""
        seat, taken, team = self._command.seats[at], self._taken.get(at), self._team
        field = f"seats[{at}]"
        if taken is None or team is None or seat.confirmed_at is None:
            return Problem(f"{field}.confirmed_at", "must not be before held_at")
        around = self._at(seat.confirmed_at)
        currency = around.terms.price_table.currency
        confirm = Confirm(taken.cap * taken.quantity, currency, seat.payment_reference)
        decision = confirm_seat(team, around, taken, taken, Usage(), (), confirm)
        if isinstance(decision.outcome, Refusal):
            return _refused(f"{field}.payment_reference", decision.outcome)
        self._enter(at, decision)
        if decision.team.state.is_open:
            return None
        return Problem(
            "seats", "every place is confirmed, so the team is complete; only running teams are brought over"
        )

    def decision(self) -> Decision | Problem:
        """Give all that happened as one decision."""
        held = {at: seat.hold_until for at, seat in self._taken.items() if seat.state is SeatState.HELD}
        for at, hold_until in held.items():
            if hold_until <= self._around.now:
                return Problem(f"seats[{at}].hold_until", "has passed; leave the seat out, nobody keeps it any more")
        if self._team is None:
            return Problem("seats", "must be at least 1: who leads")
        team = replace(self._team, due_at=min([self._team.ends_at, *held.values()]))
        opened = replace(self._facts[0], imported_to=team.version)
        facts = (opened, *self._facts[1:])
        return Decision(team, tuple(self._taken.values()), facts, Outcome.SEAT)

    def _decided(self, seat: Brought, join: Join) -> Decision | Refusal:
        around, usage = self._at(seat.held_at), self._usage(join.member_id)
        if self._team is None:
            opening = Open(self._command.team_id, join, self._command.external_ref, self._command.ends_at)
            return open_team(around, opening, usage)
        decision = join_team(self._team, around, None, usage, join)
        if decision.outcome is Outcome.WAITLISTED:
            return Refusal("TEAM_FULL")
        return decision.outcome if isinstance(decision.outcome, Refusal) else decision

    def _promise(self, seat: Brought) -> Quote:
        """Keep a promise that the other system made as a quote; its id follows from the seat's."""
        version = self._around.terms.price_table.ladder_version
        return Quote(uuid5(NAMESPACE_OID, f"groupbuy.import/{seat.join.seat_id}"), seat.cap, version)

    def _at(self, then: datetime) -> Around:
        left: Mapping[str, int] = dict(self._left)
        return replace(self._around, now=then, left=left)

    def _enter(self, at: int, decision: Decision) -> None:
        self._team = decision.team
        if decision.seat:
            self._taken[at] = decision.seat
        self._facts += decision.facts


def _out_of_time(around: Around, command: Import) -> Iterator[Problem]:
    """Give what the times of a team contradict: each other, the campaign's, or now."""
    campaign, now = around.campaign, around.now
    if command.seats[0].held_at != command.opened_at:
        yield Problem("seats[0].held_at", "must be opened_at: the first seat is that of who opened the team")
    if command.opened_at < campaign.starts_at:
        yield Problem("opened_at", "is before the campaign's starts_at; create the campaign with an earlier one")
    if command.ends_at > campaign.ends_at:
        yield Problem("ends_at", "is after the campaign's ends_at; extend the campaign, or let the team end earlier")
    if command.ends_at <= now:
        yield Problem("ends_at", "has passed; only running teams are brought over")
    for at, seat in enumerate(command.seats):
        for name, time in (("held_at", seat.held_at), ("confirmed_at", seat.confirmed_at)):
            if time and not command.opened_at <= time <= now:
                yield Problem(f"seats[{at}].{name}", "must be between opened_at and now")
        if seat.confirmed_at and seat.confirmed_at < seat.held_at:
            yield Problem(f"seats[{at}].confirmed_at", "must not be before held_at")


def _refused(field: str, refusal: Refusal) -> Problem:
    """Say what a rule of the campaign refuses."""
    told = ", ".join(f"{name} {value}" for name, value in sorted(refusal.metadata.items()))
    return Problem(field, f"is refused with {refusal.reason}{f' ({told})' if told else ''}; see docs/refusals.md")
