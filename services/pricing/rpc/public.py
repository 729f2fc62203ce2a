"""The gRPC service for platforms: what a team costs now, why, and who owes or gets back how much."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from groupbuy.pricing.v1 import (
    demand_pb2,
    explanations_pb2,
    pricing_service_pb2,
    simulation_pb2,
)

from services.chassis import (
    ids,
    pages,
)
from services.chassis.coalesce import Coalescer
from services.chassis.database import Connection, Database
from services.chassis.errors import Rejected, invalid
from services.chassis.server import caller
from services.pricing import domain, store, translate
from services.pricing.handlers import (
    DeliveryWriter,
    QuoteWriter,
    ReportLines,
    SettlementStream,
    Tables,
)
from services.pricing.rpc import explaining
from services.pricing.rpc.deliveries import DeliveryRpcs
from services.pricing.rpc.demand import DemandReader
from services.pricing.rpc.quotes import QuoteRpcs
from services.pricing.rpc.settlements import SettlementRpcs
from services.pricing.rpc.simulation import simulate_ladder


class Pricing(DeliveryRpcs, QuoteRpcs, SettlementRpcs):
    """Reads prices, explanations and settlements of the caller's teams."""

    def __init__(
        self,
        database: Database,
        tables: Tables,
        reports: Coalescer[ReportLines, bytes],
        stream: SettlementStream,
        demand: DemandReader,
        deliveries: DeliveryWriter,
        quotes: QuoteWriter,
    ) -> None:
        self._demand = demand
        self._database = database
        self._tables = tables
        self._reports = reports
        self._deliveries = deliveries
        self._stream = stream
        self._quotes = quotes

    async def GetPrice(  # noqa: N802 - the name of the RPC
        self, request: pricing_service_pb2.GetPriceRequest, _context: Any
    ) -> pricing_service_pb2.GetPriceResponse:
        """Read a team's price now; TEAM_UNKNOWN."""
        async with self._database.read() as connection:
            team = await _team(connection, request.team_id)
            table = await self._table(connection, team)
            tally = await explaining.last_tally(connection, team, table)
        return translate.price_now(domain.at_tally(team, table.basis, tally), table)

    async def ExplainPrice(  # noqa: N802 - the name of the RPC
        self, request: pricing_service_pb2.ExplainPriceRequest, _context: Any
    ) -> pricing_service_pb2.ExplainPriceResponse:
        """Explain a seat's price, or a team's, from stored facts; SEAT_UNKNOWN, TEAM_UNKNOWN, TEAM_VERSION_UNKNOWN."""
        explaining.check(request)
        async with self._database.one_moment() as connection:
            if request.team_id:
                team = await _team(connection, request.team_id)
                return await explaining.of_team(connection, team, await self._table(connection, team), request)
            seat, team = await _seat(connection, request.seat_id)
            return await explaining.of_seat(connection, seat, team, await self._table(connection, team), request)

    async def ListPriceChanges(  # noqa: N802 - the name of the RPC
        self, request: explanations_pb2.ListPriceChangesRequest, _context: Any
    ) -> explanations_pb2.ListPriceChangesResponse:
        """List how a team's price moved, page by page; TEAM_UNKNOWN, PAGE_TOKEN_INVALID."""
        size = pages.size(request.page_size)
        after = pages.read_number(request.page_token, f"changes of {request.team_id}")
        async with self._database.one_moment() as connection:
            team = await _team(connection, request.team_id)
            table = await self._table(connection, team)
            found = await explaining.changes(connection, team, table, after, size + 1)
        page, more = found[:size], len(found) > size
        return explanations_pb2.ListPriceChangesResponse(
            changes=page,
            next_page_token=pages.token(str(page[-1].team_version), f"changes of {request.team_id}") if more else "",
            currency=table.currency,
        )

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

    async def SimulateLadder(  # noqa: N802 - the name of the RPC
        self, request: simulation_pb2.SimulateLadderRequest, _context: Any
    ) -> simulation_pb2.SimulateLadderResponse:
        """Say what a ladder comes to; LADDER_INVALID, INVALID_ARGUMENT."""
        return await asyncio.to_thread(simulate_ladder, request)  # thousands of fills: other calls go on meanwhile

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
