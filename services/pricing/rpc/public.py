"""The gRPC service for platforms: what a team costs now, why, and who owes or gets back how much."""

from typing import Any

from groupbuy.pricing.v1 import pricing_service_pb2

from services.chassis import ids, pages
from services.chassis.coalesce import Coalescer
from services.chassis.database import Connection, Database
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.pricing import domain, store, translate
from services.pricing.handlers import DeliveryWriter, ReportLines, SettlementStream, Tables
from services.pricing.rpc.deliveries import DeliveryRpcs
from services.pricing.rpc.settlements import SettlementRpcs


class Pricing(DeliveryRpcs, SettlementRpcs):
    """Reads prices, explanations and settlements of the caller's teams."""

    def __init__(
        self,
        database: Database,
        tables: Tables,
        reports: Coalescer[ReportLines, bytes],
        stream: SettlementStream,
        deliveries: DeliveryWriter,
    ) -> None:
        self._database = database
        self._tables = tables
        self._reports = reports
        self._deliveries = deliveries
        self._stream = stream

    async def GetPrice(  # noqa: N802 - the name of the RPC
        self, request: pricing_service_pb2.GetPriceRequest, _context: Any
    ) -> pricing_service_pb2.GetPriceResponse:
        """Read a team's price now; TEAM_UNKNOWN."""
        async with self._database.read() as connection:
            team = await _team(connection, request.team_id)
            return translate.price_now(team, await self._table(connection, team))

    async def ExplainPrice(  # noqa: N802 - the name of the RPC
        self, request: pricing_service_pb2.ExplainPriceRequest, _context: Any
    ) -> pricing_service_pb2.ExplainPriceResponse:
        """Explain a seat's price from stored facts; SEAT_UNKNOWN."""
        async with self._database.one_moment() as connection:
            seat, team = await _seat(connection, request.seat_id)
            table = await self._table(connection, team)
            versions = [at for at in (team.fill_version, team.formed_version, team.ended_version) if at]
            facts = await store.list_facts(connection, team.campaign_id, team.team_id, seat.seat_id, versions)
            lines = await store.list_lines_of_seat(connection, seat.campaign_id, seat.seat_id)
        return translate.explanation(domain.explain(team, seat, table), table, facts, lines)

    async def GetSettlement(  # noqa: N802 - the name of the RPC
        self, request: pricing_service_pb2.GetSettlementRequest, _context: Any
    ) -> pricing_service_pb2.GetSettlementResponse:
        """Read the settlement lines of a team, page by page; TEAM_UNKNOWN, PAGE_TOKEN_INVALID."""
        size = pages.size(request.page_size)
        after = pages.read_number(request.page_token, request.team_id)
        async with self._database.one_moment() as connection:
            team = await _team(connection, request.team_id)
            lines = await store.list_lines(connection, team.campaign_id, team.team_id, after, size + 1)
            jobs = await store.find_teams_with_jobs(connection, [(team.campaign_id, team.team_id)])
        page = lines[:size]
        return pricing_service_pb2.GetSettlementResponse(
            lines=map(translate.line, page),
            next_page_token=pages.token(str(page[-1].sequence), request.team_id) if len(lines) > size else "",
            complete=not team.state.is_open and not jobs,
        )

    async def _table(self, connection: Connection, team: domain.Team) -> domain.PriceTable:
        key = (team.platform_id, team.campaign_id, team.ladder_version)
        return (await self._tables.find(connection, [key]))[key]


async def _team(connection: Connection, team_id: str) -> domain.Team:
    found = ids.parse(translate.TEAM, team_id, 2)
    team = await store.find_team(connection, caller(), *found) if found else None
    if team is None:
        raise Rejected("TEAM_UNKNOWN")
    return team


async def _seat(connection: Connection, seat_id: str) -> tuple[domain.Seat, domain.Team]:
    """Find a seat and its team."""
    found = ids.parse(translate.SEAT, seat_id, 2)
    seat = await store.find_seat(connection, caller(), *found) if found else None
    team = await store.find_team(connection, caller(), seat.campaign_id, seat.team_id) if seat else None
    if seat is None or team is None:
        raise Rejected("SEAT_UNKNOWN")
    return seat, team
