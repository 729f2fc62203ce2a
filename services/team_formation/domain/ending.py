"""What time and the platform do to a team: holds run out, ends come or move, and teams are given up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.team_formation.domain.campaign import Phase
from services.team_formation.domain.change import Change, ended
from services.team_formation.domain.commands import Cancel
from services.team_formation.domain.confirming import form
from services.team_formation.domain.leaving import Heirs, make_way, succeed
from services.team_formation.domain.team import (
    Around,
    Decision,
    FactKind,
    Outcome,
    ReleaseReason,
    Seat,
    SeatState,
    Team,
    TeamState,
)


def is_due(team: Team, around: Around) -> bool:
    """Tell whether a team has to be brought up to date before a command is decided."""
    campaign = around.campaign
    if campaign.phase is Phase.CANCELLED:
        formed_too = campaign.cancels_formed and team.state is TeamState.FORMED
        return team.state.is_open or formed_too or _stops_waiting(team, around)
    if team.state is TeamState.FORMED:
        return _stops_waiting(team, around)
    return team.state.is_open and (
        team.due_at <= around.now or _end(team, around) != team.ends_at or _has_room_for_waiting(team, around)
    )


def _stops_waiting(team: Team, around: Around) -> bool:
    """Tell whether somebody waits in a formed team though no place of it can become free any more."""
    return team.state is TeamState.FORMED and team.totals.waiting_members > 0 and team.due_at <= around.now


def is_over(team: Team, around: Around) -> bool:
    """Tell whether a team that is open is past its end, which may have moved."""
    return team.state.is_open and _end(team, around) <= around.now


def _has_room_for_waiting(team: Team, around: Around) -> bool:
    """Tell whether somebody may wait no longer, though nobody left this team: stock came back, or the campaign goes on.

    Whoever waits is seen to before a new command, so that nobody who joins now overtakes.
    """
    rules = around.terms.rules
    return team.totals.waiting_members > 0 and team.totals.taken(rules.counted_in) < rules.maximum


def bring_up_to_date(
    team: Team, around: Around, held: Sequence[Seat], heirs: Heirs, *, all_held: bool = True
) -> Decision:
    """Apply what has become due: a cancelled campaign, an end that moved, holds that ran out, the team's end.

    `held` are the team's held seats by hold_until, at least those that are due; `all_held` tells whether it is all of
    them: if not, the team stays due and is looked at again.
    """
    change = Change(team, around)
    cancels = team.state is not TeamState.FORMED or around.campaign.cancels_formed
    if around.campaign.phase is Phase.CANCELLED and cancels and is_due(team, around):
        _cancel(change, around.campaign.cancel_reason)
    elif team.state.is_open:
        _look(change, held, heirs, all_held=all_held)
    elif _stops_waiting(team, around):
        _end_waiting(change, heirs)
    return change.done(Outcome.NOTHING)


def _look(change: Change, held: Sequence[Seat], heirs: Heirs, *, all_held: bool) -> None:
    now = change.now
    if (end := _end(change.team, change.around)) != change.team.ends_at:
        change.tell(FactKind.TEAM_RESCHEDULED, team={"ends_at": end, "due_at": min(change.team.due_at, end)})
    over = now >= change.team.ends_at
    for seat in held:
        kept = _kept(seat, change.team, now)
        if over or kept.hold_until <= now:
            change.release(kept, ReleaseReason.EXPIRED)
        elif kept is not seat:
            change.seats[seat.seat_id] = kept
    if not over:
        make_way(change, heirs)
    _set_due(change, held, all_held=all_held)
    if over and change.team.totals.held_members == 0:
        if change.confirmed_fill() >= change.rules.minimum:
            succeed(change, heirs.confirmed)
            form(change)
        else:
            _fail(change)


def _end_waiting(change: Change, heirs: Heirs) -> None:
    for seat in (*heirs.waiting, *heirs.beyond):
        change.release(seat, ReleaseReason.TEAM_ENDED)
    change.again = heirs.more


def _kept(seat: Seat, team: Team, now: datetime) -> Seat:
    """Give a held seat that is kept no longer than its team goes on; the event that moves the end tells it."""
    return seat if seat.hold_until <= team.ends_at else replace(seat, hold_until=team.ends_at, updated_at=now)


def _set_due(change: Change, held: Sequence[Seat], *, all_held: bool) -> None:
    known = {seat.seat_id: seat for seat in held} | change.seats
    waits = [seat.hold_until for seat in known.values() if seat.state is SeatState.HELD]
    due_at = min([change.team.ends_at, *waits]) if all_held else min(change.now, change.team.due_at)
    if due_at != change.team.due_at:
        change.note(due_at=due_at)


def _end(team: Team, around: Around) -> datetime:
    return min(team.deadline, around.campaign.ends_at) if team.deadline else team.ends_at


def _fail(change: Change) -> None:
    change.end(
        FactKind.TEAM_FAILED,
        TeamState.FAILED,
        (SeatState.CONFIRMED, ReleaseReason.TEAM_FAILED),
        (SeatState.WAITING, ReleaseReason.TEAM_ENDED),
    )


def cancel_team(team: Team, around: Around, command: Cancel) -> Decision:
    """Give a team up, one that has formed too; every live seat is released by this one fact."""
    change = Change(team, around)
    if team.state is not TeamState.FORMED and (refusal := ended(team, around.now)):
        return change.done(refusal)
    _cancel(change, command.reason)
    return change.done(Outcome.CANCELLED)


def _cancel(change: Change, reason: str) -> None:
    why, formed = ReleaseReason.TEAM_CANCELLED, change.team.state is TeamState.FORMED
    change.end(
        FactKind.TEAM_CANCELLED,
        TeamState.CANCELLED,
        (SeatState.CONFIRMED, why),
        (SeatState.HELD, why),
        (SeatState.WAITING, ReleaseReason.TEAM_ENDED if formed else why),
        reason=reason,
        after_formed=formed,
    )
