"""The TeamFormation service: reads requests, hands commands to the one path, answers."""

from collections.abc import AsyncIterator
from typing import Any, TypeVar
from uuid import UUID

import grpc
from google.protobuf.message import Message
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc as pb_grpc

from services.chassis import ids, pages
from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.requests import NO_CAMPAIGN
from services.chassis.server import caller
from services.team_formation import domain, store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.codes import InviteCodes, hash_code
from services.team_formation.handlers import Ask, CampaignHandler, Revoke
from services.team_formation.handlers.commands import Answer
from services.team_formation.invites import write_invite
from services.team_formation.rpc import fields
from services.team_formation.rpc.campaigns import campaign_wanted
from services.team_formation.watch import TeamWatch

Context = grpc.aio.ServicerContext[Any, Any]
Response = TypeVar("Response", bound=Message)


class TeamFormationServicer(pb_grpc.TeamFormationServicer):
    """Answers platforms."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        catalogue: Catalogue,
        codes: InviteCodes,
        commands: Coalescer[Ask, Answer],
        campaigns: CampaignHandler,
        watch: TeamWatch,
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._codes = codes
        self._commands = commands
        self._campaigns = campaigns
        self._watch = watch

    async def CreateCampaign(  # noqa: N802
        self, request: pb.CreateCampaignRequest, _context: Context
    ) -> pb.CreateCampaignResponse:
        """Create a campaign."""
        platform_id = caller()
        key = fields.request_key("CreateCampaign", platform_id, NO_CAMPAIGN, request)
        answer = await self._campaigns.decided(key)
        if answer is None:
            campaign = campaign_wanted(request, platform_id, ids.new_id(), self._clock.now(platform_id))
            answer = await self._campaigns.create(key, campaign, request.ladder)
        if isinstance(answer, Rejected):
            raise answer
        return pb.CreateCampaignResponse.FromString(answer)

    async def GetCampaign(self, request: pb.GetCampaignRequest, _context: Context) -> pb.GetCampaignResponse:  # noqa: N802
        """Read a campaign."""
        campaign = await self._campaign(caller(), fields.campaign_of(request.campaign_id))
        return pb.GetCampaignResponse(campaign=translate.campaign(campaign))

    async def OpenTeam(self, request: pb.OpenTeamRequest, _context: Context) -> pb.OpenTeamResponse:  # noqa: N802
        """Open a team."""
        campaign_id = fields.campaign_of(request.campaign_id)
        command = domain.Open(ids.new_id(), fields.join_of(request, ids.new_id(), None), request.external_ref)
        return await self._ask("OpenTeam", request, pb.OpenTeamResponse, campaign_id, command)

    async def CreateInvite(self, request: pb.CreateInviteRequest, _context: Context) -> pb.CreateInviteResponse:  # noqa: N802
        """Make an invite."""
        campaign_id, team_id = fields.team_of(request.team_id)
        command = fields.invite_wanted(request, ids.new_id())
        return await self._ask("CreateInvite", request, pb.CreateInviteResponse, campaign_id, command, team_id=team_id)

    async def RevokeInvite(self, request: pb.RevokeInviteRequest, _context: Context) -> pb.RevokeInviteResponse:  # noqa: N802
        """Take an invite back."""
        campaign_id, invite_id = fields.invite_of(request.invite_id)
        return await self._ask("RevokeInvite", request, pb.RevokeInviteResponse, campaign_id, Revoke(invite_id))

    async def ResolveInvite(  # noqa: N802
        self, request: pb.ResolveInviteRequest, _context: Context
    ) -> pb.ResolveInviteResponse:
        """Read what an invite code leads to."""
        platform_id = caller()
        invite = await self._invite_of(platform_id, request.code)
        if refusal := domain.invite_refusal(invite, self._clock.now(platform_id)):
            raise Rejected(refusal.reason, refusal.metadata)
        team, terms = await self._team(platform_id, invite.campaign_id, invite.team_id)
        campaign = await self._campaign(platform_id, invite.campaign_id)
        return pb.ResolveInviteResponse(
            invite=write_invite(invite, self._codes),
            team=translate.team(team, terms),
            campaign=translate.campaign(campaign),
            price_table=translate.price_table(terms.price_table),
        )

    async def JoinTeam(self, request: pb.JoinTeamRequest, _context: Context) -> pb.JoinTeamResponse:  # noqa: N802
        """Take a seat."""
        invite_id = None
        match request.WhichOneof("way_in"):
            case "invite_code":
                invite = await self._invite_of(caller(), request.invite_code)
                campaign_id, team_id, invite_id = invite.campaign_id, invite.team_id, invite.invite_id
            case "team_id":
                campaign_id, team_id = fields.team_of(request.team_id)
            case _:
                raise _way_in_missing()
        command = fields.join_of(request, ids.new_id(), invite_id)
        return await self._ask("JoinTeam", request, pb.JoinTeamResponse, campaign_id, command, team_id=team_id)

    async def ConfirmSeat(self, request: pb.ConfirmSeatRequest, _context: Context) -> pb.ConfirmSeatResponse:  # noqa: N802
        """Confirm a seat."""
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        command = fields.confirm_of(request)
        return await self._ask("ConfirmSeat", request, pb.ConfirmSeatResponse, campaign_id, command, seat_id=seat_id)

    async def LeaveTeam(self, request: pb.LeaveTeamRequest, _context: Context) -> pb.LeaveTeamResponse:  # noqa: N802
        """Give a seat back."""
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        return await self._ask("LeaveTeam", request, pb.LeaveTeamResponse, campaign_id, domain.Leave(), seat_id=seat_id)

    async def GetTeam(self, request: pb.GetTeamRequest, _context: Context) -> pb.GetTeamResponse:  # noqa: N802
        """Read a team."""
        team, terms = await self._team(caller(), *fields.team_of(request.team_id))
        table = translate.price_table(terms.price_table)
        return pb.GetTeamResponse(team=translate.team(team, terms), price_table=table)

    async def GetSeat(self, request: pb.GetSeatRequest, _context: Context) -> pb.GetSeatResponse:  # noqa: N802
        """Read a seat."""
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        async with self._database.read() as connection:
            seat = await store.find_seat(connection, caller(), campaign_id, seat_id)
        if seat is None:
            raise Rejected("SEAT_UNKNOWN")
        campaign = await self._campaign(caller(), campaign_id)
        return pb.GetSeatResponse(seat=translate.seat(seat, campaign.currency))

    async def ListSeats(self, request: pb.ListSeatsRequest, _context: Context) -> pb.ListSeatsResponse:  # noqa: N802
        """List the seats of a team."""
        team, terms = await self._team(caller(), *fields.team_of(request.team_id))
        size = pages.size(request.page_size)
        after = pages.read_number(request.page_token, request.team_id)
        async with self._database.read() as connection:
            seats = await store.list_seats(connection, team.campaign_id, team.team_id, after, size)
        currency = terms.price_table.currency
        token = pages.token(str(seats[-1].number), request.team_id) if len(seats) == size else ""
        return pb.ListSeatsResponse(seats=[translate.seat(seat, currency) for seat in seats], next_page_token=token)

    async def WatchTeam(  # noqa: N802
        self, request: pb.WatchTeamRequest, _context: Context
    ) -> AsyncIterator[pb.WatchTeamResponse]:
        """Send a team's latest state until it has ended."""
        team, terms = await self._team(caller(), *fields.team_of(request.team_id))
        async for current in self._watch.follow(team, request.after_version):
            yield pb.WatchTeamResponse(team=translate.team(current, terms))

    async def _ask(
        self,
        rpc: str,
        request: Message,
        response: type[Response],
        campaign_id: UUID,
        command: "domain.Open | domain.Join | domain.Confirm | domain.Leave | domain.NewInvite | Revoke",
        *,
        team_id: UUID | None = None,
        seat_id: UUID | None = None,
    ) -> Response:
        platform_id = caller()
        key = fields.request_key(rpc, platform_id, campaign_id, request)
        ask = Ask(platform_id, campaign_id, command, key, team_id, seat_id)
        return response.FromString(await self._commands.submit(ask))

    async def _campaign(self, platform_id: UUID, campaign_id: UUID) -> domain.Campaign:
        async with self._database.read() as connection:
            campaign = await self._catalogue.find(connection, campaign_id)
        if campaign is None or campaign.platform_id != platform_id:
            raise Rejected("CAMPAIGN_UNKNOWN")
        return campaign

    async def _team(self, platform_id: UUID, campaign_id: UUID, team_id: UUID) -> tuple[domain.Team, domain.Terms]:
        async with self._database.read() as connection:
            team = await store.find_team(connection, platform_id, campaign_id, team_id)
            campaign = await self._catalogue.find(connection, campaign_id, team.terms_version) if team else None
        if team is None or campaign is None:
            raise Rejected("TEAM_UNKNOWN")
        return team, campaign.terms

    async def _invite_of(self, platform_id: UUID, code: str) -> domain.Invite:
        code_hash = hash_code(code)
        if code_hash is None:
            raise Rejected("INVITE_UNKNOWN")
        async with self._database.read() as connection:
            found = await store.find_code(connection, code_hash)
            invite = await store.find_invite(connection, platform_id, *found) if found else None
        if invite is None:
            raise Rejected("INVITE_UNKNOWN")
        return invite


def _way_in_missing() -> Rejected:
    return Rejected(
        "INVALID_ARGUMENT", fields=(FieldViolation("way_in", "say invite_code or team_id: what is joined"),)
    )
