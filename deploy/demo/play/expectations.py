"""Compares what a scene expects with what the engine answers; what takes time is asked again until it is so."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter

from groupbuy.notification.v1.events_pb2 import DeliveryState, MessageKind
from groupbuy.pricing.v1.events_pb2 import SettlementCause
from groupbuy.pricing.v1.ladder_pb2 import Role
from groupbuy.pricing.v1.pricing_service_pb2 import GetPriceRequest
from groupbuy.team_formation.v1.team_formation_service_pb2 import GetCampaignRequest, GetPromoterReportRequest
from groupbuy.team_formation.v1.types_pb2 import CampaignState, ReleaseReason, Seat, SeatState, TeamState

from deploy.demo.actor import Refused
from deploy.demo.journal import Journal
from deploy.demo.money import plain
from deploy.demo.play.receipts import explain, settled_so_far
from deploy.demo.play.world import World
from deploy.demo.scene.model import Expect
from deploy.demo.scene.steps.known import NOBODY

_POLL_SECONDS = 0.1
_OF_TEAM = ("state", "confirmed", "held", "waiting", "sponsored", "missing")
_OPEN = (TeamState.TEAM_STATE_FORMING, TeamState.TEAM_STATE_TIPPED)

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
        asked: list[tuple[object, Callable[[Expect], Awaitable[str]]]] = [
            (any(getattr(expect, name) is not None for name in _OF_TEAM), self._team),
            (expect.price is not None, self._price),
            (expect.charged is not None, self._charged),
            (expect.within_caps, self._within_caps),
            (expect.leads or expect.seats or expect.caps, self._seats),
            (expect.pays or expect.back or expect.settled, self._settled),
            (expect.told, self._told),
            (expect.over, self._over),
            (expect.promoted, self._promoted),
            (expect.campaign, self._campaign),
            (any(item is not None for item in (expect.seated, expect.lost, expect.twice)), self._crowd),
            (expect.refused, self._crowd),
        ]
        found = dict.fromkeys(check for is_asked, check in asked if is_asked)
        return [partial(check, expect) for check in found]

    async def _team(self, expect: Expect) -> str:
        team = await self._world.refresh()
        price = next(item for item in team.prices if item.role == Role.ROLE_MEMBER)
        totals, state = team.totals, TeamState.Name(team.state).removeprefix("TEAM_STATE_").lower()
        pairs: list[tuple[str, object, object]] = [
            ("state", expect.state, state),
            ("confirmed", expect.confirmed, totals.confirmed_members),
            ("held", expect.held, totals.held_members),
            ("waiting", expect.waiting, totals.waiting_members),
            ("sponsored", expect.sponsored, totals.sponsored_members),
            ("missing", expect.missing, price.missing_to_next),
        ]
        return _differences(pairs)

    async def _seats(self, expect: Expect) -> str:
        """Compare the last seat of each member that is named, and who leads."""
        leader = (await self._world.refresh()).leader_seat_id
        listed = await self._world.all_seats()
        last = {self._world.name_of(seat.member_id): seat for seat in listed}
        leads = next((self._world.name_of(seat.member_id) for seat in listed if seat.seat_id == leader), NOBODY)
        pairs: list[tuple[str, object, object]] = [("leads", expect.leads or None, leads)]
        for name, state in expect.seats.items():
            pairs.append((f"seat of {name}", state, _standing(last.get(name))))
        for name, cap in expect.caps.items():
            found = last[name].cap.minor_units if name in last else 0
            pairs.append((f"cap of {name}", self._plain(cap), self._plain(found)))
        return _differences(pairs)

    async def _settled(self, expect: Expect) -> str:
        """Add up the settlement lines of each member that is named, and count them by cause."""
        team = await self._world.refresh()
        lines, complete = await settled_so_far(self._world.shop, team.team_id)
        causes = Counter(SettlementCause.Name(line.cause).removeprefix("SETTLEMENT_CAUSE_") for line in lines)
        pays, back = Counter[str](), Counter[str]()
        for line in lines:
            name = self._world.name_of(line.member_id)
            pays[name] += line.to_keep.minor_units + line.to_capture.minor_units + line.due.minor_units
            back[name] += line.to_refund.minor_units + line.to_void.minor_units
        pairs: list[tuple[str, object, object]] = [("settlement complete", True, complete or team.state in _OPEN)]
        pairs += [(f"pays {name}", self._plain(sum_), self._plain(pays[name])) for name, sum_ in expect.pays.items()]
        pairs += [(f"back {name}", self._plain(sum_), self._plain(back[name])) for name, sum_ in expect.back.items()]
        pairs += [(f"settled {cause}", count, causes[cause]) for cause, count in expect.settled.items()]
        return _differences(pairs)

    async def _promoted(self, expect: Expect) -> str:
        if expect.promoted is None:
            return ""
        world, wanted = self._world, expect.promoted
        request = GetPromoterReportRequest(
            campaign_id=world.campaign.campaign_id, promoter_id=world.member_id(wanted.promoter)
        )
        report = await world.shop.ask(world.shop.teams.GetPromoterReport, request)
        amounts = {"amount": report.total.amount, "commission": report.commission}
        pairs: list[tuple[str, object, object]] = [
            (name, count, getattr(report.total, name)) for name, count in wanted.numbers.items()
        ]
        pairs += [
            (name, self._plain(sum_), self._plain(amounts[name].minor_units)) for name, sum_ in wanted.amounts.items()
        ]
        return _differences(pairs)

    async def _campaign(self, expect: Expect) -> str:
        world = self._world
        request = GetCampaignRequest(campaign_id=world.campaign.campaign_id)
        state = (await world.shop.ask(world.shop.teams.GetCampaign, request)).campaign.state
        found = CampaignState.Name(state).removeprefix("CAMPAIGN_STATE_").lower()
        return _differences([("campaign", expect.campaign, found)])

    async def _price(self, expect: Expect) -> str:
        """Compare with pricing's price for members, which follows the team's by a moment."""
        shop, wanted = self._world.shop, expect.price or 0
        try:
            answer = await shop.ask(shop.prices.GetPrice, GetPriceRequest(team_id=self._world.the_team().team_id))
        except Refused as refused:
            return str(refused)
        price = next(item for item in answer.prices if item.role == Role.ROLE_MEMBER).unit_price.minor_units
        return _differences([("price", self._plain(wanted), self._plain(price))])

    async def _charged(self, expect: Expect) -> str:
        wanted = expect.charged or 0
        lines, complete = await settled_so_far(self._world.shop, self._world.the_team().team_id)
        if not complete:
            return "the settlement is not complete"
        ends = (SettlementCause.SETTLEMENT_CAUSE_TEAM_FORMED, SettlementCause.SETTLEMENT_CAUSE_TEAM_FAILED)
        prices = {line.unit_price.minor_units for line in lines if line.cause in ends}
        if prices == {wanted}:
            return ""
        return f"charged = {self._plain(wanted)} expected, and it is {', '.join(map(self._plain, sorted(prices)))}"

    async def _within_caps(self, _expect: Expect) -> str:
        for seat in await self._world.all_seats():
            if seat.state == SeatState.SEAT_STATE_CONFIRMED:
                answer = await explain(self._world.shop, seat.seat_id)
                if not seat.sponsored and answer.unit_price.minor_units > seat.cap.minor_units:
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

    async def _over(self, expect: Expect) -> str:
        """Compare by which channel members were told last, of whatever team."""
        channels: dict[str, str] = {}
        for event in self._journal.deliveries():
            ended = event.delivery_ended
            if ended.state == DeliveryState.DELIVERY_STATE_SENT:
                channels[ended.member_id] = ended.channel
        pairs = [
            (f"{name} told by", channel, channels.get(self._world.member_id(name), "nothing"))
            for name, channel in expect.over.items()
        ]
        return _differences(pairs)

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


def _standing(seat: Seat | None) -> str:
    """Say how a seat stands, and of one that was given back why."""
    if seat is None:
        return "none"
    if seat.state == SeatState.SEAT_STATE_RELEASED:
        return ReleaseReason.Name(seat.release_reason).removeprefix("RELEASE_REASON_").lower()
    return SeatState.Name(seat.state).removeprefix("SEAT_STATE_").lower()


def _differences(pairs: Sequence[tuple[str, object, object]]) -> str:
    wrong = [
        f"{name} = {wanted} expected, and it is {found}" for name, wanted, found in pairs if wanted not in {None, found}
    ]
    return "; ".join(wrong)
