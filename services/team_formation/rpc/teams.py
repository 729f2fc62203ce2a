"""Teams: opening, joining one by one and in bulk, sponsoring, cancelling, reading."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids, limits
from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.refusing import refuse_as_asked
from services.chassis.server import caller
from services.team_formation import domain, translate
from services.team_formation.doors import Door
from services.team_formation.handlers import Ask
from services.team_formation.rpc import bulk, fields
from services.team_formation.rpc.base import Context, Rpcs

_JOIN_TEAM = pb.DESCRIPTOR.services_by_name["TeamFormation"].methods_by_name["JoinTeam"]

MOST_PLACES = 100
JOINS = "joins_per_second"


class TeamRpcs(Rpcs):
    """Answers about teams. What the one path decided comes back in bytes, as it is stored."""

    async def OpenTeam(self, request: pb.OpenTeamRequest, _context: Context) -> Any:  # noqa: N802
        """Open a team, and take its first seat."""
        limits.spend(JOINS)
        return await self._desk.commands.submit(await self._opening(request))

    async def _opening(self, request: pb.OpenTeamRequest) -> Ask:
        """Read the opening of a team, and check the quote it brings."""
        campaign_id = fields.campaign_of(request.campaign_id)
        join = self._marked(request, fields.join_of(request, ids.new_id(), None))
        if request.signed_quote:
            join = await self._quoted(request.signed_quote, join, campaign_id, None)
        command = domain.Open(ids.new_id(), join, request.external_ref)
        key = fields.request_key("OpenTeam", caller(), campaign_id, request)
        return Ask(caller(), campaign_id, command, key)

    async def JoinTeam(self, request: pb.JoinTeamRequest, _context: Context) -> Any:  # noqa: N802
        """Take a seat."""
        limits.spend(JOINS)
        door = await self._door(request.invite_code) if request.WhichOneof("way_in") == "invite_code" else None
        return await self._desk.commands.submit(await self._join(request, door))

    async def JoinTeams(self, request: pb.JoinTeamsRequest, _context: Context) -> Any:  # noqa: N802
        """Take up to 500 seats."""
        joins: Sequence[pb.JoinTeamRequest] = request.joins
        bulk.check(joins)
        limits.spend(JOINS, len(joins))
        codes = list(dict.fromkeys(join.invite_code for join in joins if join.invite_code))
        doors = await self._desk.doors.find(caller(), codes) if codes else {}
        asks: list[Ask | Rejected] = []
        for join in joins:
            try:
                await refuse_as_asked(self._desk.database, _JOIN_TEAM, join)
                if join.invite_code and join.invite_code not in doors:
                    raise Rejected("INVITE_UNKNOWN")  # noqa: TRY301 - refused like what a field check refuses
                asks.append(await self._join(join, doors.get(join.invite_code)))
            except Rejected as refused:
                asks.append(refused)
        decided = iter(await self._desk.commands.submit_all([ask for ask in asks if isinstance(ask, Ask)]))
        return bulk.written([ask if isinstance(ask, Rejected) else next(decided) for ask in asks])

    async def _join(self, request: pb.JoinTeamRequest, door: Door | None) -> Ask:
        """Read a join, and check the quote it brings."""
        ask = _join(request, door)
        if isinstance(ask.command, domain.Join):
            ask = ask._replace(command=self._marked(request, ask.command))
        if not request.signed_quote or not isinstance(ask.command, domain.Join):
            return ask
        return ask._replace(command=await self._quoted(request.signed_quote, ask.command, ask.campaign_id, ask.team_id))

    def _marked(self, request: pb.JoinTeamRequest | pb.OpenTeamRequest, join: domain.Join) -> domain.Join:
        """Give a join the marks of its tags; the tags themselves go no further."""
        if not request.device_tag and not request.address_tag:
            return join
        mark = self._desk.codes.mark
        device = mark(caller(), domain.TagKind.DEVICE, request.device_tag) if request.device_tag else b""
        address = mark(caller(), domain.TagKind.ADDRESS, request.address_tag) if request.address_tag else b""
        return replace(join, marks=domain.Marks(device, address))

    async def _quoted(self, signed: bytes, join: domain.Join, campaign_id: UUID, team_id: UUID | None) -> domain.Join:
        """Give a join its quote, or why that is no good."""
        quote = await self._desk.quotes.read(signed, caller(), campaign_id, team_id, join)
        return replace(join, quote=quote)

    async def GetTeam(self, request: pb.GetTeamRequest, _context: Context) -> pb.GetTeamResponse:  # noqa: N802
        """Read a team."""
        team, terms = await self._team(*fields.team_of(request.team_id))
        table = translate.price_table(terms.price_table)
        return pb.GetTeamResponse(team=translate.team(team, terms), price_table=table)

    async def CancelTeam(self, request: pb.CancelTeamRequest, _context: Context) -> Any:  # noqa: N802
        """Give a team up."""
        campaign_id, team_id = fields.team_of(request.team_id)
        fields.refuse(fields.check_words("reason", request.reason, fields.LONGEST_REASON))
        return await self._ask("CancelTeam", request, campaign_id, domain.Cancel(request.reason), team_id=team_id)

    async def SponsorTeam(self, request: pb.SponsorTeamRequest, _context: Context) -> Any:  # noqa: N802
        """Fill places of a team."""
        campaign_id, team_id = fields.team_of(request.team_id)
        if not 0 <= request.places <= MOST_PLACES:
            raise invalid("places", f"must be 1 to {MOST_PLACES}; 0 means 1")
        fields.refuse(domain.check_reference("sku", request.sku))
        seats = tuple(ids.new_id() for _ in range(request.places or 1))
        command = domain.Sponsor(seats, request.sku)
        return await self._ask("SponsorTeam", request, campaign_id, command, team_id=team_id)


def _join(request: pb.JoinTeamRequest, door: Door | None) -> Ask:
    if door:
        campaign_id, team_id, invite_id = door.campaign_id, door.team_id, door.invite_id
    elif request.team_id:
        (campaign_id, team_id), invite_id = fields.team_of(request.team_id), None
    else:
        raise _way_in_missing()
    platform_id = caller()
    command = fields.join_of(request, ids.new_id(), invite_id)
    key = fields.request_key("JoinTeam", platform_id, campaign_id, request)
    return Ask(platform_id, campaign_id, command, key, team_id)


def _way_in_missing() -> Rejected:
    return Rejected(
        "INVALID_ARGUMENT", fields=(FieldViolation("way_in", "say invite_code or team_id: what is joined"),)
    )
