"""What members do: open, share, join, pay, leave; each as calls that a shop makes for them."""

from time import perf_counter

from groupbuy.team_formation.v1.team_formation_service_pb2 import (
    ConfirmSeatRequest,
    ConfirmSeatResponse,
    CreateInviteRequest,
    JoinTeamRequest,
    LeaveTeamRequest,
    OpenTeamRequest,
    ResolveInviteRequest,
    RevokeInviteRequest,
)
from groupbuy.team_formation.v1.types_pb2 import PaymentMode, Seat, SeatState, Team

from deploy.demo.actor import Refused
from deploy.demo.money import money
from deploy.demo.play.turn import Turn
from deploy.demo.scene import model
from deploy.demo.show.cards import draw, offer_of

_PAID_MODES = (PaymentMode.PAYMENT_MODE_PREPAID, PaymentMode.PAYMENT_MODE_HOLD)


async def open_team(turn: Turn, step: model.Open) -> None:
    """A member opens a team, and pays."""
    await turn.announce(f"{step.member} opens a team")
    request = OpenTeamRequest(
        campaign_id=turn.world.campaign.campaign_id,
        member_id=turn.world.member_id(step.member),
        sku=step.sku,
        quantity=step.quantity,
    )
    began = perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.teams.OpenTeam, request)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "OpenTeam")
        return
    turn.world.seats.clear()
    turn.world.links.clear()
    _seated(turn, step.member, answer.seat, answer.team, began, "OpenTeam")
    turn.not_refused(step.refused, f"{step.member} could open a team")
    await _commit(turn, step.member, answer.seat, answer.team, began, pays=step.pay)


async def share(turn: Turn, step: model.Share) -> None:
    """A member shares the team; each chat shows the card that it makes of what the link leads to."""
    await turn.announce(f"{step.member} shares the team in {', '.join(step.chats)}")
    cards = []
    for chat in step.chats:
        await _invite(turn, step, chat)
        turn.stage.view.line(f"    {chat:<10} {turn.world.links[chat]}")
        resolve = ResolveInviteRequest(code=turn.world.link_of(chat))
        cards.append((chat, offer_of(await turn.shop.ask(turn.shop.teams.ResolveInvite, resolve))))
    turn.stage.view.line()
    for line in draw(cards):
        turn.stage.view.line(line)
    await turn.stage.beat(1.0 + len(cards))


async def _invite(turn: Turn, step: model.Share, chat: str) -> None:
    request = CreateInviteRequest(
        team_id=turn.world.the_team().team_id,
        member_id=turn.world.member_id(step.member),
        channel=chat,
        label=step.member,
        note=step.note,
    )
    invite = (await turn.shop.ask(turn.shop.teams.CreateInvite, request)).invite
    turn.world.links[chat], turn.world.invites[chat] = invite.url, invite.invite_id


async def revoke(turn: Turn, step: model.Revoke) -> None:
    """The link in a chat is taken back."""
    await turn.announce(f"the link in {step.chat} is taken back")
    request = RevokeInviteRequest(invite_id=turn.world.invites[step.chat])
    await turn.shop.ask(turn.shop.teams.RevokeInvite, request)


async def join(turn: Turn, step: model.Join) -> None:
    """A member joins by the link shared in a chat, and pays."""
    await turn.announce(f"{step.member} joins by the link in {step.by}")
    request = JoinTeamRequest(
        invite_code=turn.world.link_of(step.by),
        member_id=turn.world.member_id(step.member),
        sku=step.sku,
        quantity=step.quantity,
        max_unit_price=None if step.at_most is None else turn.money(step.at_most),
    )
    before, began = turn.world.the_team(), perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.teams.JoinTeam, request)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "JoinTeam")
        return
    turn.world.seats.pop(step.member, None)
    _seated(turn, step.member, answer.seat, answer.team, began, "JoinTeam")
    turn.not_refused(step.refused, f"{step.member} got a seat")
    await _commit(turn, step.member, answer.seat, before, began, pays=step.pay)


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
    began = perf_counter()
    try:
        answer = await confirm(turn, seat, step.amount)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "ConfirmSeat")
        return
    _paid(turn, step.member, answer, began)
    turn.not_refused(step.refused, "it was accepted")
    await turn.follow(before, began)


async def confirm(turn: Turn, seat: Seat, amount: int | None = None) -> ConfirmSeatResponse:
    """Report the commitment that the payment mode asks: cap times quantity, with a reference where money moved."""
    due = seat.cap.minor_units * seat.quantity if amount is None else amount
    paid = turn.world.campaign.rules.payment_mode in _PAID_MODES
    reference = f"pay-{turn.world.name_of(seat.member_id)}-{seat.seat_id[-8:]}" if paid else ""
    request = ConfirmSeatRequest(seat_id=seat.seat_id, amount=turn.money(due), payment_reference=reference)
    return await turn.shop.ask(turn.shop.teams.ConfirmSeat, request)


def _paid(turn: Turn, name: str, answer: ConfirmSeatResponse, began: float) -> None:
    turn.world.seats[name], turn.world.team = answer.seat, answer.team
    confirmed = answer.seat.state == SeatState.SEAT_STATE_CONFIRMED
    what = "confirmed" if confirmed else "too late: the money goes back"
    words = f"{name} is {what}, {answer.team.totals.confirmed_members} of {answer.team.maximum}"
    turn.answered(began, words, "ConfirmSeat")
    turn.show_team()


async def leave(turn: Turn, step: model.Leave) -> None:
    """A member leaves."""
    seat, before = turn.world.seat_of(step.member), turn.world.the_team()
    await turn.announce(f"{step.member} leaves")
    began = perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.teams.LeaveTeam, LeaveTeamRequest(seat_id=seat.seat_id))
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "LeaveTeam")
        return
    turn.world.seats[step.member], turn.world.team = answer.seat, answer.team
    turn.answered(began, f"{step.member} has left", "LeaveTeam")
    turn.show_team()
    turn.not_refused(step.refused, f"{step.member} could leave")
    await turn.follow(before, began)
