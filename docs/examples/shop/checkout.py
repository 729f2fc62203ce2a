"""Where buyers pay: from the hand-over token to a seat, to the payment, and back to the member's own page."""

import secrets
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from babel.numbers import format_currency, get_currency_precision
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1.ladder_pb2 import ROLE_MEMBER
from groupbuy.team_formation.v1 import handover_pb2, member_links_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1.types_pb2 import Seat, SeatState
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from .books import Books
from .engine import Engine, Refused
from .sink import Sink

PAGE = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True).get_template("page.html")
LATE = "Your payment came after your place was gone: all of it goes back to you."


class Checkout:
    """The buyers' pages. A cart goes one way: offer, seat, payment; after a refusal there is another cart."""

    def __init__(self, engine: Engine, books: Books, sink: Sink) -> None:
        self.ask, self.teams, self.books, self.sink = engine.ask, engine.teams, books, sink

    async def arrive(self, request: Request) -> Response:
        """Check the token as the buyer arrives, and leave the address with it at once."""
        token = request.query_params.get("handover", "")
        asked = await self.ask(self.teams.VerifyHandover, handover_pb2.VerifyHandoverRequest(token=token))
        buyer = request.cookies.get("buyer") or secrets.token_urlsafe(36)
        mine = self.books.put(asked.handover.token_id, buyer, asked.handover.SerializeToString())
        answer = RedirectResponse(f"/cart/{asked.handover.token_id}" if mine else asked.handover.return_url, 303)
        answer.set_cookie("buyer", buyer, httponly=True, samesite="lax", secure=request.url.scheme == "https")
        return answer

    async def show(self, request: Request) -> Response:
        """Show what can be done next: take a seat, pay for it, wait; or lead to where the buyer goes on."""
        cart, handover = self._cart(request)
        outcome = await self.see_through(cart) if cart["paying"] else ""
        seat, state = await self._seat(cart)
        if state == "CONFIRMED":
            return await self._to_member(seat.seat_id)
        if state in {"RELEASED", "DEFAULTED"}:
            return self._again(cart, LATE if outcome == "REFUND_REQUIRED" else str(Refused("HOLD_EXPIRED")))
        prices = {} if state else await self._prices(handover)
        note = str(Refused("SEAT_WAITING")) if state == "WAITING" else cart["note"]
        return page(
            note=note, cart=cart, state=state, seat=seat, total=total_of(seat), prices=prices, handover=handover
        )

    async def join(self, request: Request) -> Response:
        """Take a seat at the price that the buyer was shown, or a lower one."""
        cart, handover = self._cart(request)
        form = dict(parse_qsl((await request.body()).decode()))
        call: Any = self.teams.OpenTeam
        ask: Any = pb.OpenTeamRequest(campaign_id=handover.campaign_id)
        if handover.team_id:
            call, ask = self.teams.JoinTeam, pb.JoinTeamRequest(team_id=handover.team_id)
        if handover.invite_code:
            ask.invite_code = handover.invite_code  # in place of the team
        ask.request_id, ask.member_id = cart["id"], member_of(cart)
        ask.sku, ask.quantity = form["sku"], int(form["quantity"])
        ask.max_unit_price.minor_units, ask.max_unit_price.currency = int(form["most"]), form["currency"]
        try:
            answer = await self.ask(call, type(ask).FromString(self.books.once(cart, "ask", ask.SerializeToString())))
        except Refused as refused:
            if refused.reason == "ALREADY_IN_TEAM":
                return await self._to_member(refused.metadata["seat_id"])
            return self._again(cart, str(refused))
        self.books.once(cart, "seat", answer.seat.seat_id)
        return RedirectResponse(f"/cart/{cart['id']}", 303)

    async def pay(self, request: Request) -> Response:
        """Write down that the buyer pays for a seat that is held; from then on it is seen through."""
        cart, _ = self._cart(request)
        seat, state = await self._seat(cart)
        if state == "HELD":
            ask = pb.ConfirmSeatRequest(request_id=cart["id"], seat_id=seat.seat_id, payment_reference=cart["id"])
            ask.amount.CopyFrom(total_of(seat))
            self.books.once(cart, "paying", ask.SerializeToString())
        return RedirectResponse(f"/cart/{cart['id']}", 303)

    async def see_through(self, cart: Any) -> str:
        """Authorise the most that the seat can cost and have it confirmed: as often as it takes, with one effect."""
        if cart["outcome"]:
            return str(cart["outcome"])
        ask = pb.ConfirmSeatRequest.FromString(cart["paying"])
        self.sink.authorise(cart["id"], ask.amount.minor_units, ask.amount.currency)
        try:
            answer = await self.ask(self.teams.ConfirmSeat, ask)
            outcome = pb.ConfirmOutcome.Name(answer.outcome).removeprefix("CONFIRM_OUTCOME_")
        except Refused as refused:  # the payment was not taken, so no settlement line will give it back
            self.sink.give_back(cart["id"], cart["id"], ask.amount.minor_units)
            outcome = refused.reason
        return str(self.books.once(cart, "outcome", outcome))

    def _cart(self, request: Request) -> tuple[Any, handover_pb2.Handover]:
        cart = self.books.cart(request.path_params["id"], request.cookies.get("buyer", ""))
        if not cart:
            raise Refused("HANDOVER_INVALID")
        return cart, handover_pb2.Handover.FromString(cart["handover"])

    def _again(self, cart: Any, note: str) -> Response:
        """Begin another attempt: its id, and so its request id, is the token's with a number behind it."""
        token, _, number = cart["id"].partition("~")
        again = self.books.put(f"{token}~{int(number or 1) + 1}", cart["buyer"], cart["handover"], note)
        return RedirectResponse(f"/cart/{again['id']}", 303)

    async def _seat(self, cart: Any) -> tuple[Seat, str]:
        if not cart["seat"]:
            return Seat(), ""
        seat = (await self.ask(self.teams.GetSeat, pb.GetSeatRequest(seat_id=cart["seat"]))).seat
        return seat, SeatState.Name(seat.state).removeprefix("SEAT_STATE_")

    async def _to_member(self, seat_id: str) -> Response:
        link = await self.ask(self.teams.GetMemberLink, member_links_pb2.GetMemberLinkRequest(seat_id=seat_id))
        return RedirectResponse(link.url, 303)

    async def _prices(self, handover: handover_pb2.Handover) -> dict[str, Money]:
        """Tell the most that a unit of each item costs with one more member."""
        if handover.team_id:
            team = (await self.ask(self.teams.GetTeam, pb.GetTeamRequest(team_id=handover.team_id))).team
            prices = [item for item in team.prices if item.role == ROLE_MEMBER]
            return {p.sku: p.next_unit_price if p.missing_to_next == 1 else p.unit_price for p in prices}
        asked = pb.GetCampaignRequest(campaign_id=handover.campaign_id)
        campaign = (await self.ask(self.teams.GetCampaign, asked)).campaign
        return {item.sku: item.list_price for item in campaign.items}


def page(status: int = 200, **shown: Any) -> Response:
    """Write a page."""
    return HTMLResponse(PAGE.render(**shown, in_words=in_words), status)


def in_words(money: Money) -> str:
    """Write an amount, which is in minor units, for people."""
    exact = Decimal(money.minor_units).scaleb(-get_currency_precision(money.currency))
    return format_currency(exact, money.currency, locale="en")


def total_of(seat: Seat) -> Money:
    """Tell the most that a seat can cost."""
    return Money(minor_units=seat.cap.minor_units * seat.quantity, currency=seat.cap.currency)


def member_of(cart: Any) -> str:
    """Name a buyer to the engine: the beginning of the session, which alone opens nothing."""
    return str(cart["buyer"][:16])
