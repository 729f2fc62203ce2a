"""Compares what a scene expects with what the engine answers; what takes time is asked again until it is so."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

from groupbuy.notification.v1.events_pb2 import DeliveryState, MessageKind
from groupbuy.pricing.v1.events_pb2 import SettlementCause
from groupbuy.pricing.v1.ladder_pb2 import Role
from groupbuy.pricing.v1.pricing_service_pb2 import GetPriceRequest
from groupbuy.team_formation.v1.types_pb2 import SeatState, TeamState

from deploy.demo.actor import Refused
from deploy.demo.journal import Journal
from deploy.demo.money import plain
from deploy.demo.play.receipts import explain, settled_so_far
from deploy.demo.play.world import World
from deploy.demo.scene.model import Expect

_POLL_SECONDS = 0.1

Check = Callable[[], Awaitable[str]]
"""Gives what is not as expected in a sentence, or nothing."""


class Expectations:
    """Checks one `expect` after the other against one world."""

    def __init__(self, world: World, journal: Journal) -> None:
        self._world = world
        self._journal = journal

    async def broken(self, expect: Expect) -> list[str]:
        """List what is still not as expected when its time is over, each in a sentence."""
        checks = self._checks(expect)
        ends = perf_counter() + expect.within
        while True:
            wrong = [(check, words) for check in checks if (words := await check())]
            if not wrong or perf_counter() > ends:
                return [words for _, words in wrong]
            await asyncio.sleep(_POLL_SECONDS)

    def _checks(self, expect: Expect) -> list[Check]:
        found: list[Check] = [lambda: self._team(expect)]
        if expect.price is not None:
            found.append(lambda: self._price(expect.price or 0))
        if expect.charged is not None:
            found.append(lambda: self._charged(expect.charged or 0))
        if expect.within_caps is not None:
            found.append(self._caps)
        if expect.told:
            found.append(lambda: self._told(expect))
        if any(item is not None for item in (expect.seated, expect.lost, expect.twice)) or expect.refused:
            found.append(lambda: self._crowd(expect))
        return found

    async def _team(self, expect: Expect) -> str:
        team = await self._world.refresh()
        price = next(item for item in team.prices if item.role == Role.ROLE_MEMBER)
        state = TeamState.Name(team.state).removeprefix("TEAM_STATE_").lower()
        pairs = [
            ("state", expect.state, state),
            ("confirmed", expect.confirmed, team.totals.confirmed_members),
            ("held", expect.held, team.totals.held_members),
            ("missing", expect.missing, price.missing_to_next),
        ]
        return _differences(pairs)

    async def _price(self, wanted: int) -> str:
        """Compare with pricing's price for members, which follows the team's by a moment."""
        shop = self._world.shop
        try:
            answer = await shop.ask(shop.prices.GetPrice, GetPriceRequest(team_id=self._world.the_team().team_id))
        except Refused as refused:
            return str(refused)
        price = next(item for item in answer.prices if item.role == Role.ROLE_MEMBER).unit_price.minor_units
        return _differences([("price", self._plain(wanted), self._plain(price))])

    async def _charged(self, wanted: int) -> str:
        lines, complete = await settled_so_far(self._world.shop, self._world.the_team().team_id)
        if not complete:
            return "the settlement is not complete"
        ends = (SettlementCause.SETTLEMENT_CAUSE_TEAM_FORMED, SettlementCause.SETTLEMENT_CAUSE_TEAM_FAILED)
        prices = {line.unit_price.minor_units for line in lines if line.cause in ends}
        if prices == {wanted}:
            return ""
        return f"charged = {self._plain(wanted)} expected, and it is {', '.join(map(self._plain, sorted(prices)))}"

    async def _caps(self) -> str:
        for seat in await self._world.all_seats():
            if seat.state == SeatState.SEAT_STATE_CONFIRMED:
                answer = await explain(self._world.shop, seat.seat_id)
                if answer.unit_price.minor_units > seat.cap.minor_units:
                    return f"{self._world.name_of(seat.member_id)} is priced above the cap"
        return ""

    async def _told(self, expect: Expect) -> str:
        """Count the members to whom a message of each kind was sent about this team."""
        team_id = self._world.the_team().team_id
        told: dict[str, set[str]] = {}
        for event in self._journal.deliveries():
            ended = event.delivery_ended
            if ended.team_id == team_id and ended.state == DeliveryState.DELIVERY_STATE_SENT:
                told.setdefault(MessageKind.Name(ended.kind)[13:], set()).add(ended.member_id)
        return _differences([(f"told {kind}", count, len(told.get(kind, ()))) for kind, count in expect.told.items()])

    async def _crowd(self, expect: Expect) -> str:
        crowd = self._world.crowd
        if crowd is None:
            return "no crowd has come in this scene"
        listed = await self._world.all_seats()
        live = [seat.member_id for seat in listed if seat.state != SeatState.SEAT_STATE_RELEASED]
        ids = {seat.seat_id for seat in listed}
        pairs: list[tuple[str, object, object]] = [
            ("seated", expect.seated, len(crowd.seats)),
            ("lost", expect.lost, sum(seat.seat_id not in ids for seat in crowd.seats.values())),
            ("twice", expect.twice, len(live) - len(set(live))),
            *((f"refused {reason}", count, crowd.refused[reason]) for reason, count in expect.refused.items()),
        ]
        return _differences(pairs)

    def _plain(self, amount: int) -> str:
        return plain(amount, self._world.currency)


def described(expect: Expect, currency: str) -> str:
    """Put into words what is expected."""
    amounts = {"price": expect.price, "charged": expect.charged}
    numbers = {"confirmed": expect.confirmed, "held": expect.held, "missing": expect.missing, "seated": expect.seated}
    words = [f"state {expect.state}"] if expect.state else []
    words += [f"{name} {value}" for name, value in numbers.items() if value is not None]
    words += [f"{name} {plain(value, currency)}" for name, value in amounts.items() if value is not None]
    words += ["nobody above the cap"] if expect.within_caps else []
    words += [f"told {kind} {count}" for kind, count in expect.told.items()]
    words += [f"refused {reason} {count}" for reason, count in expect.refused.items()]
    words += [
        f"{name} {value}" for name, value in (("lost", expect.lost), ("twice", expect.twice)) if value is not None
    ]
    return ", ".join(words)


def _differences(pairs: Sequence[tuple[str, object, object]]) -> str:
    wrong = [
        f"{name} = {wanted} expected, and it is {found}" for name, wanted, found in pairs if wanted not in {None, found}
    ]
    return "; ".join(wrong)
