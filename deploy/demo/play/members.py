"""What members do with seats: open, join, pay, leave, ask for more time; each as calls that a shop makes for them."""

import asyncio
from time import perf_counter

from groupbuy.team_formation.v1.team_formation_service_pb2 import (
    ConfirmOutcome,
    ConfirmSeatRequest,
    ConfirmSeatResponse,
    ExtendHoldRequest,
    FindTeamRequest,
    JoinOutcome,
    JoinTeamRequest,
    JoinTeamResponse,
    LeaveTeamRequest,
    OpenTeamRequest,
)
from groupbuy.team_formation.v1.types_pb2 import PaymentMode, ReleaseReason, Seat, SeatState, Team

from deploy.demo.actor import Refused
from deploy.demo.money import money
from deploy.demo.play.campaign import asserted
from deploy.demo.play.turn import Turn
from deploy.demo.scene import model
from deploy.demo.show.text import counted

_PAID_MODES = (PaymentMode.PAYMENT_MODE_PREPAID, PaymentMode.PAYMENT_MODE_HOLD)
_GETS = {
    JoinOutcome.JOIN_OUTCOME_SEAT: "seat",
    JoinOutcome.JOIN_OUTCOME_WAITLISTED: "waitlist",
    JoinOutcome.JOIN_OUTCOME_OTHER_TEAM: "another_team",
}
_POLL_SECONDS = 0.1


async def open_team(turn: Turn, step: model.Open) -> None:
    """A member opens a team, and pays."""
    await turn.announce(f"{step.member} opens a team")
    request = OpenTeamRequest(
        campaign_id=turn.world.campaign.campaign_id,
        member_id=turn.world.member_id(step.member),
        sku=step.sku,
        quantity=step.quantity,
        asserted=asserted(turn.scene.members[step.member]),
    )
    began = perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.teams.OpenTeam, request)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "OpenTeam")
        return
    turn.world.goes_on_with(answer.team)
    turn.world.links.clear()
    _seated(turn, step.member, answer.seat, answer.team, began, "OpenTeam")
    turn.not_refused(step.refused, f"{step.member} could open a team")
    await _commit(turn, step.member, answer.seat, answer.team, began, pays=step.pay)


async def join(turn: Turn, step: model.Join) -> None:
    """A member joins by the link shared in a chat, or finds a team that is listed, and pays."""
    await turn.announce(f"{step.member} {f'joins by the link in {step.by}' if step.by else 'looks for a team'}")
    request = JoinTeamRequest(
        member_id=turn.world.member_id(step.member),
        sku=step.sku,
        quantity=step.quantity,
        max_unit_price=None if step.at_most is None else turn.money(step.at_most),
        asserted=asserted(turn.scene.members[step.member]),
    )
    began = perf_counter()
    try:
        await _way_in(turn, step, request)
        answer = await turn.shop.ask(turn.shop.teams.JoinTeam, request)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "JoinTeam" if step.by else "FindTeam, JoinTeam")
        return
    turn.not_refused(step.refused, f"{step.member} got a seat")
    gets = _GETS[answer.outcome]
    if gets != step.gets:
        turn.record.broken.append(f'gets = "{step.gets}" expected, and {step.member} gets "{gets}"')
    await _joined(turn, step, answer, began)


async def _way_in(turn: Turn, step: model.Join, request: JoinTeamRequest) -> None:
    if step.by:
        request.invite_code = turn.world.link_of(step.by)
        return
    search = FindTeamRequest(
        campaign_id=turn.world.campaign.campaign_id,
        quantity=step.quantity,
        match_key=request.asserted.match_key,
        member_id=request.member_id,
    )
    request.team_id = (await turn.shop.ask(turn.shop.teams.FindTeam, search)).team.team_id


async def _joined(turn: Turn, step: model.Join, answer: JoinTeamResponse, began: float) -> None:
    before = turn.world.the_team() if turn.world.team else answer.team
    if answer.team.team_id != before.team_id:
        before = answer.team
        turn.world.goes_on_with(answer.team)
    turn.world.seats.pop(step.member, None)
    waits = answer.seat.state == SeatState.SEAT_STATE_WAITING
    if waits:
        turn.world.seats[step.member], turn.world.team = answer.seat, answer.team
        waiting = answer.team.totals.waiting_members
        turn.answered(began, f"{step.member} waits for a seat, number {waiting} in line", "JoinTeam")
        turn.show_team()
    else:
        _seated(turn, step.member, answer.seat, answer.team, began, "JoinTeam")
    await _commit(turn, step.member, answer.seat, before, began, pays=step.pay and not waits)


def _seated(turn: Turn, name: str, seat: Seat, team: Team, began: float, call: str) -> None:
    turn.world.seats[name], turn.world.team = seat, team
    most = money(seat.cap.minor_units * seat.quantity, seat.cap.currency)
    turn.answered(began, f"{name} has a seat, for {most} at most", call)
    turn.show_team()


async def _commit(turn: Turn, name: str, seat: Seat, before: Team, began: float, *, pays: bool) -> None:
    """Pay for a seat if that is to be, then show what follows from the join."""
    if pays:
        _paid(turn, name, await confirm(turn, seat), began)
    await turn.follow(before, began)


async def pay(turn: Turn, step: model.Pay) -> None:
    """A member pays for a seat held before."""
    seat, before = turn.world.seat_of(step.member), turn.world.the_team()
    await turn.announce(f"{step.member} pays")
    turn.world.paid_apart.add(seat.seat_id)
    began = perf_counter()
    try:
        answer = await confirm(turn, seat, step.amount)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "ConfirmSeat")
        return
    _paid(turn, step.member, answer, began)
    turn.not_refused(step.refused, "it was accepted")
    if (answer.outcome == ConfirmOutcome.CONFIRM_OUTCOME_REFUND_REQUIRED) is not step.too_late:
        outcome = ConfirmOutcome.Name(answer.outcome).removeprefix("CONFIRM_OUTCOME_")
        turn.record.broken.append(f"too_late = {str(step.too_late).lower()} expected, and it is {outcome}")
    await turn.follow(before, began)


async def confirm(turn: Turn, seat: Seat, amount: int | None = None) -> ConfirmSeatResponse:
    """Report the commitment that the payment mode asks: cap times quantity, with a reference where money moved."""
    due = seat.cap.minor_units * seat.quantity if amount is None else amount
    paid = turn.world.campaign.rules.payment_mode in _PAID_MODES
    reference = f"pay-{turn.world.name_of(seat.member_id)}-{seat.seat_id[-8:]}" if paid else ""
    request = ConfirmSeatRequest(seat_id=seat.seat_id, amount=turn.money(due), payment_reference=reference)
    return await turn.shop.ask(turn.shop.teams.ConfirmSeat, request)


def _paid(turn: Turn, name: str, answer: ConfirmSeatResponse, began: float) -> None:
    had_expired = turn.world.seats[name].release_reason == ReleaseReason.RELEASE_REASON_EXPIRED
    turn.world.seats[name], turn.world.team = answer.seat, answer.team
    if answer.outcome == ConfirmOutcome.CONFIRM_OUTCOME_REFUND_REQUIRED:
        words = "REFUND_REQUIRED: the money goes back"
    else:
        what = "confirmed after all" if had_expired else "confirmed"
        words = f"{name} is {what}, {answer.team.totals.confirmed_members} of {answer.team.maximum}"
    turn.answered(began, words, "ConfirmSeat")
    turn.show_team()


async def leave(turn: Turn, step: model.Leave) -> None:
    """A member leaves, or gives a part of the units back."""
    seat = turn.world.seat_of(step.member)
    part = 0 < step.quantity < seat.quantity
    await turn.announce(f"{step.member} {f'gives {step.quantity} of {seat.quantity} back' if part else 'leaves'}")
    request = LeaveTeamRequest(seat_id=seat.seat_id, quantity=step.quantity)
    began = perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.teams.LeaveTeam, request)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "LeaveTeam")
        return
    turn.not_refused(step.refused, f"{step.member} could leave")
    words = f"{step.member} keeps {counted(answer.seat.quantity, 'unit')}" if part else f"{step.member} has left"
    await turn.changed(step.member, answer.seat, answer.team, began, words, "LeaveTeam")


async def extend(turn: Turn, step: model.Extend) -> None:
    """A member gets more time to pay."""
    seat = turn.world.seat_of(step.member)
    await turn.announce(f"{step.member} asks for more time")
    began = perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.teams.ExtendHold, ExtendHoldRequest(seat_id=seat.seat_id))
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "ExtendHold")
        return
    turn.not_refused(step.refused, f"{step.member} got more time")
    words = f"{step.member} may pay until {answer.seat.hold_until.ToDatetime():%H:%M:%S} UTC"
    await turn.changed(step.member, answer.seat, answer.team, began, words, "ExtendHold")


async def runs_out(turn: Turn, step: model.RunsOut) -> None:
    """Wait, by the clock on the wall, until a member's hold has run out and the engine has released the seat."""
    await turn.announce(f"{step.member} does not pay in time")
    before, began = turn.world.the_team(), perf_counter()
    while turn.world.seat_of(step.member).release_reason != ReleaseReason.RELEASE_REASON_EXPIRED:
        if perf_counter() - began > step.within:
            turn.record.broken.append(f"{step.member}'s hold has not run out after {step.within:g} s")
            return
        await asyncio.sleep(_POLL_SECONDS)
        await turn.world.refresh_seats()
    turn.answered(began, f"{step.member}'s hold has run out", "ListSeats")
    await turn.world.refresh()
    await turn.follow(before, began)
