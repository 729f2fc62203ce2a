"""The gRPC service for platforms: what a team costs now, why, and who owes or gets back how much."""

from collections.abc import AsyncIterator
from typing import Any

from groupbuy.pricing.v1 import demand_pb2, pricing_service_pb2, pricing_service_pb2_grpc

from services.chassis import ids, pages
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.errors import Rejected, invalid
from services.chassis.server import caller
from services.pricing import domain, store, translate
from services.pricing.handlers import Tables
from services.pricing.rpc.demand import DemandReader


class Pricing(pricing_service_pb2_grpc.PricingServicer):
    """Reads prices, explanations and settlements of the caller's teams."""

    def __init__(self, database: Database, tables: Tables, demand: DemandReader | None = None) -> None:
        self._demand = demand or DemandReader(database, Clock())
        self._database = database
        self._tables = tables

    async def GetPrice(  # noqa: N802 - the name of the RPC
        self, request: pricing_service_pb2.GetPriceRequest, _context: Any
    ) -> pricing_service_pb2.GetPriceResponse:
        """Read a team's price now; TEAM_UNKNOWN."""
        async with self._database.read() as connection:
            team = await _team(connection, request.team_id)
            table = await self._table(connection, team)
            tally = await _last_tally(connection, team, table)
        return translate.price_now(domain.at_tally(team, table.basis, tally), table)

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
            tally = await _last_tally(connection, team, table)
        return translate.explanation(domain.explain(team, seat, table, tally), table, facts, lines)

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

    async def GetTally(  # noqa: N802 - the name of the RPC
        self, request: pricing_service_pb2.GetTallyRequest, _context: Any
    ) -> pricing_service_pb2.GetTallyResponse:
        """Read what a campaign counted over all its teams; TALLY_UNKNOWN."""
        found = ids.parse(translate.CAMPAIGN, request.campaign_id, 1)
        if request.seq < 0:
            raise invalid("seq", f"must be 0 for the last tally, or a tally's number from 1, not {request.seq}")
        async with self._database.read() as connection:
            tally = await store.find_tally(connection, caller(), found[0], request.seq) if found else None
        if tally is None:
            raise Rejected("TALLY_UNKNOWN")
        return translate.tally_answer(tally)

    async def GetDemand(  # noqa: N802 - the name of the RPC
        self, request: demand_pb2.GetDemandRequest, _context: Any
    ) -> demand_pb2.GetDemandResponse:
        """Read how a campaign sells just now; DEMAND_UNKNOWN."""
        found = await self._demand.get(caller(), request.campaign_id, request.missing_units)
        return demand_pb2.GetDemandResponse(demand=found)

    async def WatchDemand(  # noqa: N802 - the name of the RPC
        self, request: demand_pb2.WatchDemandRequest, _context: Any
    ) -> AsyncIterator[demand_pb2.WatchDemandResponse]:
        """Stream how a campaign sells; DEMAND_UNKNOWN."""
        async for found in self._demand.watch(caller(), request.campaign_id, request.missing_units):
            yield demand_pb2.WatchDemandResponse(demand=found)

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


async def _last_tally(connection: Connection, team: domain.Team, table: domain.PriceTable) -> domain.Tally | None:
    """Find the campaign's last tally where it fills the team's ladder."""
    if not table.basis.is_of_campaign:
        return None
    return await store.find_tally(connection, team.platform_id, team.campaign_id)
