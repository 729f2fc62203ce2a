"""Makes the lines of refused deliveries again, from what platforms reported, for a rebuild."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.chassis import ids, logs
from services.chassis.database import Connection, Database
from services.pricing import domain, store
from services.pricing.handlers.earnings import record_earnings
from services.pricing.handlers.tables import Tables
from services.pricing.store import rebuild

_PAGE = 500
_NOWHERE = UUID(int=0)

log = logs.logger(__name__)


class RefusedLines:
    """What ReportDelivery once wrote into the lines; its reports are kept, and say version and number."""

    def __init__(self, database: Database, tables: Tables) -> None:
        """Name the database whose schema of the rebuild is found first."""
        self._database = database
        self._tables = tables

    async def make(self) -> None:
        """Make every line that is not there and whose team is built that far."""
        after = (_NOWHERE, _NOWHERE)
        while deliveries := await self._make_page(after):
            after = (deliveries[-1].campaign_id, deliveries[-1].seat_id)

    async def _make_page(self, after: tuple[UUID, UUID]) -> Sequence[domain.Delivery]:
        async with self._database.work() as work:
            deliveries = await rebuild.list_refused(work.connection, after, _PAGE)
            if deliveries:
                await self._record(work.connection, deliveries)
        return deliveries

    async def _record(self, connection: Connection, deliveries: Sequence[domain.Delivery]) -> None:
        teams = await store.lock_teams(connection, sorted({(item.campaign_id, item.team_id) for item in deliveries}))
        keys = {(team.platform_id, team.campaign_id, team.ladder_version) for team in teams.values()}
        tables = await self._tables.find(connection, keys)
        seats = await store.load_seats(connection, sorted({(item.campaign_id, item.seat_id) for item in deliveries}))
        lines = []
        for delivery in deliveries:
            team = teams[delivery.campaign_id, delivery.team_id]
            seat = seats.get((delivery.campaign_id, delivery.seat_id))
            table = tables[team.platform_id, team.campaign_id, team.ladder_version]
            if seat and (line := _line(team, table, seat, delivery)):
                lines.append(line)
        if lines:
            await store.insert_lines(connection, lines)
            await record_earnings(connection, lines, {seat.seat_id: seat for seat in seats.values()})


def _line(
    team: domain.Team, table: domain.PriceTable, seat: domain.Seat, delivery: domain.Delivery
) -> domain.SettlementLine | None:
    """Make a line as of the report; None where it contradicts what was built, which the comparison shows."""
    then = replace(team, version=delivery.team_version, settlement_sequence=(delivery.sequence or 1) - 1)
    try:
        return domain.refused_line(then, table, seat, delivery, ids.derived_id(seat.seat_id, delivery.report_id))
    except (ValueError, KeyError) as problem:
        log.error("a refused delivery has no line", seat=str(seat.seat_id), why=str(problem))  # noqa: TRY400
        return None
