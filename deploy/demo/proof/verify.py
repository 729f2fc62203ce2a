"""Counts what must be 0: the engine's invariants in its databases, and what only the callers can know."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from groupbuy.pricing.v1.deliveries_pb2 import DeliveryOutcome, ReportDeliveryRequest, ReportDeliveryResponse
from groupbuy.pricing.v1.events_pb2 import SettlementEvent, SettlementLine
from groupbuy.pricing.v1.ladder_pb2 import Basis
from groupbuy.pricing.v1.pricing_service_pb2 import GetTallyRequest
from groupbuy.team_formation.v1.events_pb2 import TeamEvent
from groupbuy.team_formation.v1.types_pb2 import Team

from deploy.check.runner import CheckResult, wait_for_checks
from deploy.demo.actor import Call, Shop
from deploy.demo.endpoint import ShopEndpoint, wanted
from deploy.demo.journal import Journal
from deploy.demo.play.receipts import settled_so_far
from deploy.demo.play.world import World, list_seats
from deploy.demo.proof.figures import seat_given
from deploy.demo.proof.recheck import Delivered, Recomputed, Tallied, differences, recompute
from deploy.demo.proof.words import in_words

_PATIENCE_SECONDS = 30.0
_AT_ONCE = 100
_EXAMPLES = 5


@dataclass
class Verdict:
    """All results, and one charge in words."""

    checks: list[CheckResult] = field(default_factory=list)
    charge: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        """How many in all."""
        return sum(check.violations for check in self.checks)


async def verify(
    shop: Shop, journal: Journal, endpoint: ShopEndpoint, worlds: Sequence[World], database_url: str
) -> Verdict:
    """Check everything; what is still on its way is given half a minute."""
    calls = list(shop.calls)
    verdict = Verdict([await seats_exist(shop, calls), await same_answers(shop, calls)])
    charges = _Charges(shop, journal)
    for world in worlds:
        for team in await world.all_teams():
            await charges.compare(world, team)
    verdict.checks.append(charges.result())
    verdict.charge = charges.example
    verdict.checks.append(await shop_was_told(journal, endpoint))
    verdict.checks += await wait_for_checks(database_url, _PATIENCE_SECONDS)
    return verdict


async def seats_exist(shop: Shop, calls: Sequence[Call]) -> CheckResult:
    """Look for every seat that a caller was told to have."""
    given = [seat for call in calls if (seat := seat_given(call))]
    told, teams = {seat.seat_id for seat in given}, {seat.team_id for seat in given}
    there = {seat.seat_id for team_id in teams for seat in await list_seats(shop, team_id)}
    lost = sorted(told - there)
    return CheckResult(
        "demo_answered_seats_exist",
        "Every seat that a caller got an answer for is in ListSeats.",
        len(told),
        len(lost),
        lost[:_EXAMPLES],
    )


async def same_answers(shop: Shop, calls: Sequence[Call]) -> CheckResult:
    """Send every request again with its request id; each must get the answer that it got."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def same(call: Call) -> bool:
        async with gate:
            return await shop.repeat(call)

    same_again = await asyncio.gather(*(same(call) for call in calls))
    other = [call.request.request_id for call, equal in zip(calls, same_again, strict=True) if not equal]  # type: ignore[attr-defined]
    return CheckResult(
        "demo_repeated_requests_get_the_same_answer",
        "Every request sent once more with its request id gets the very same answer.",
        len(calls),
        len(other),
        other[:_EXAMPLES],
    )


async def shop_was_told(journal: Journal, endpoint: ShopEndpoint) -> CheckResult:
    """Look for every event of a team that the shop's endpoint wants."""
    await endpoint.until(lambda: endpoint.taken.keys() >= wanted(journal), _PATIENCE_SECONDS)
    missing = sorted(wanted(journal) - endpoint.taken.keys())
    return CheckResult(
        "demo_endpoint_was_told",
        "Every event of a team that the shop's webhook wants was posted to it, well signed.",
        len(endpoint.taken),
        len(missing) + endpoint.badly_signed,
        missing[:_EXAMPLES],
    )


class _Charges:
    """Compares every settlement line with the arithmetic on the events that Kafka gave."""

    def __init__(self, shop: Shop, journal: Journal) -> None:
        self._shop = shop
        self._journal = journal
        self._lines = 0
        self._wrong: list[str] = []
        self.example: list[str] = []

    async def compare(self, world: World, team: Team) -> None:
        """Compare one team."""
        seen = await self._journal.until(
            lambda: self._journal.has_team_version(team.team_id, team.version), _PATIENCE_SECONDS
        )
        if not seen:
            self._wrong.append(f"events of {team.team_id} are missing in Kafka")
            return
        events = [self._journal.teams[team.team_id][version] for version in range(1, team.version + 1)]
        lines, _ = await settled_so_far(self._shop, team.team_id)
        computed = recompute(events, await self._tallied(events, lines), await self._deliveries(events))
        self._lines += len(lines)
        self._wrong += differences(computed, lines)
        self._show(world, events, computed)

    async def _deliveries(self, events: Sequence[TeamEvent]) -> list[Delivered]:
        """Read what the shop's own calls said of a team's deliveries; only the order comes from the lines' events."""
        seats = {event.seat_confirmed.seat.seat_id for event in events}
        found = []
        for call in self._shop.calls:
            request = call.request
            if not isinstance(request, ReportDeliveryRequest) or call.refused or request.seat_id not in seats:
                continue
            if request.outcome == DeliveryOutcome.DELIVERY_OUTCOME_ACCEPTED:
                continue  # takes nothing back; where a line says otherwise, it is not computed
            line_id = ReportDeliveryResponse.FromString(call.answer).line.line_id
            if version := await self._version_of(line_id):
                found.append(Delivered(request.seat_id, request.accepted_units, version))
            else:
                self._wrong.append(f"{request.seat_id}: units were refused, and no line of it is in Kafka")
        return found

    async def _version_of(self, line_id: str) -> int:
        """Tell at which version of its team a line was made; 0 where its event does not come."""
        await self._journal.until(lambda: line_id in self._journal.events, _PATIENCE_SECONDS)
        note = self._journal.events.get(line_id)
        return note.what.team_version if note and isinstance(note.what, SettlementEvent) else 0

    async def _tallied(self, events: Sequence[TeamEvent], lines: Sequence[SettlementLine]) -> Tallied:
        """Read the tallies that seats and lines of a team name, where its whole campaign fills the ladder."""
        opened = next(event for event in events if event.WhichOneof("fact") == "team_opened")
        if opened.team_opened.price_table.basis != Basis.BASIS_CAMPAIGN_UNITS:
            return Tallied()
        final = max((line.tally_seq for line in lines), default=0)
        named = {event.seat_held.seat.cap_tally_seq for event in events} | {final}
        units = {}
        for seq in sorted(named - {0}):
            request = GetTallyRequest(campaign_id=opened.campaign_id, seq=seq)
            answer = await self._shop.ask(self._shop.prices.GetTally, request)
            units[seq] = answer.totals.units_of_fill
        return Tallied(units, final)

    def _show(self, world: World, events: Sequence[TeamEvent], computed: Recomputed) -> None:
        """Keep the most telling charge: of a seat that is charged and gets something back."""
        telling = next((item for item in computed.owed if item.kept and item.back), None)
        if telling and not self.example:
            names = {seat.seat_id: name for name, seat in world.seats.items()}
            self.example = in_words(events, telling, names.get(telling.seat_id, "A member"), computed.final_fill)

    def result(self) -> CheckResult:
        """Sum up."""
        return CheckResult(
            "demo_charges_follow_from_events",
            "Every charge and refund, computed again from the events in Kafka and the deliveries reported,"
            " equals GetSettlement to the cent.",
            self._lines,
            len(self._wrong),
            self._wrong[:_EXAMPLES],
        )
