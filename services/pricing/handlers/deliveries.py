"""ReportDelivery: what became of a delivery that is paid at the door, once for a seat."""

from dataclasses import dataclass, replace
from uuid import UUID

from groupbuy.pricing.v1 import deliveries_pb2

from services.chassis import ids, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected, Unavailable
from services.chassis.requests import Decided, RequestKey
from services.chassis.work import Work
from services.pricing import domain, store, translate
from services.pricing.domain import DeliveryOutcome, PaymentMode, SeatState
from services.pricing.handlers.accounts import note_taken_back
from services.pricing.handlers.earnings import record_earnings
from services.pricing.handlers.tables import Tables
from services.pricing.handlers.told import tell_settled


@dataclass(frozen=True, slots=True)
class ReportDelivery:
    """A checked command; `accepted_units` count where it is a part."""

    key: RequestKey
    seat_id: UUID
    outcome: DeliveryOutcome
    reason: str
    accepted_units: int


class DeliveryWriter:
    """Decides reports about deliveries, each in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock, tables: Tables) -> None:
        self._database = database
        self._clock = clock
        self._tables = tables

    async def decide(self, command: ReportDelivery) -> bytes | Rejected:
        """Store the report, its line and the answer; Unavailable while lines of the team are still being made."""
        key = command.key
        # what never changes is read before: a transaction that has read no table can wait for a rebuild's swap
        async with self._database.read() as connection:
            found = await store.find_seat(connection, key.platform_id, key.campaign_id, command.seat_id)
        async with self._database.work() as work:
            team_key = (key.campaign_id, found.team_id) if found else None
            team = (await store.lock_teams(work.connection, [team_key])).get(team_key) if team_key else None
            known = await requests.find(work.connection, key)
            if known is not None:
                return known
            answer: bytes | Rejected = Rejected("SEAT_UNKNOWN")
            if team:
                answer = await self._decide(work, team, command)
            await requests.store(work.connection, [[Decided(key, answer)]])
        return answer

    async def _decide(self, work: Work, team: domain.Team, command: ReportDelivery) -> bytes | Rejected:
        team_key, seat_key = (team.campaign_id, team.team_id), (team.campaign_id, command.seat_id)
        if await store.find_teams_with_jobs(work.connection, [team_key]):
            raise Unavailable("lines of this team are still being made; send the same call again")
        seat = (await store.load_seats(work.connection, [seat_key]))[seat_key]
        before = await store.find_delivery_outcome(work.connection, *seat_key)
        if refusal := _refusal(team, seat, before, command):
            return refusal
        return await self._enter(work, team, seat, command)

    async def _enter(self, work: Work, team: domain.Team, seat: domain.Seat, command: ReportDelivery) -> bytes:
        delivery = self._delivery(team, seat, command)
        if not delivery.refused_units:
            await store.insert_delivery(work.connection, delivery)
            return deliveries_pb2.ReportDeliveryResponse().SerializeToString()
        table_key = (team.platform_id, team.campaign_id, team.ladder_version)
        table = (await self._tables.find(work.connection, [table_key]))[table_key]
        line_id = ids.derived_id(seat.seat_id, delivery.report_id)
        line = domain.refused_line(team, table, seat, delivery, line_id)
        await store.insert_delivery(work.connection, replace(delivery, sequence=line.sequence))
        await store.insert_lines(work.connection, [line])
        await note_taken_back(work.connection, [line])
        await record_earnings(work.connection, [line], {seat.seat_id: seat})
        await store.save_teams(work.connection, [replace(team, settlement_sequence=line.sequence)])
        await tell_settled(work, [line], {(team.campaign_id, team.team_id): team.merchant_id})
        return deliveries_pb2.ReportDeliveryResponse(line=translate.line(line)).SerializeToString()

    def _delivery(self, team: domain.Team, seat: domain.Seat, command: ReportDelivery) -> domain.Delivery:
        taken = {DeliveryOutcome.ACCEPTED: seat.quantity, DeliveryOutcome.REFUSED: 0}
        accepted = taken.get(command.outcome, command.accepted_units)
        return domain.Delivery(
            seat.campaign_id,
            seat.seat_id,
            seat.team_id,
            seat.platform_id,
            ids.derived_id(seat.seat_id, "DELIVERY"),
            command.outcome,
            command.reason,
            seat.quantity - accepted,
            self._clock.now(team.platform_id),
            team.version,
        )


def _refusal(
    team: domain.Team, seat: domain.Seat, before: DeliveryOutcome | None, command: ReportDelivery
) -> Rejected | None:
    if team.payment_mode is not PaymentMode.PAY_ON_DELIVERY:
        return Rejected("NOT_PAID_ON_DELIVERY", {"payment_mode": team.payment_mode})
    state = domain.seat_now(seat, team).state
    if team.state is not domain.TeamState.FORMED or state is not SeatState.CONFIRMED or seat.sponsored:
        said = state if team.state is domain.TeamState.FORMED else f"in a team that is {team.state}"
        return Rejected("SEAT_STATE", {"state": "SPONSORED" if seat.sponsored else said, "action": "report a delivery"})
    if before:
        return Rejected("DELIVERY_REPORTED", {"outcome": before})
    in_part = command.outcome is DeliveryOutcome.ACCEPTED_IN_PART
    if in_part and not 1 <= command.accepted_units < seat.quantity:
        return Rejected("QUANTITY_OUT_OF_RANGE", {"maximum": seat.quantity - 1, "quantity": command.accepted_units})
    return None
