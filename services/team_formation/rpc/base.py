"""What the RPCs of every subject share: the parts of the service, what the caller owns, the one path of commands."""

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from google.protobuf.message import Message
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.gate import caller_may
from services.chassis.server import caller
from services.team_formation import domain, store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.chats.apps import Apps
from services.team_formation.chats.hearing import Hearing
from services.team_formation.codes import InviteCodes
from services.team_formation.doors import Door, Doors
from services.team_formation.handlers import Answer, Ask, CampaignHandler, Command, MemberExport
from services.team_formation.handover import HandoverTokens
from services.team_formation.invites import write_invite
from services.team_formation.neighbours import Neighbours
from services.team_formation.quotes import QuoteReader
from services.team_formation.rpc import fields
from services.team_formation.signed_links import MemberLinks, PromoterLinks
from services.team_formation.standings import Standings
from services.team_formation.watch import Watch

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of the service that RPCs hand work to."""

    database: Database
    clock: Clock
    catalogue: Catalogue
    codes: InviteCodes
    doors: Doors
    commands: Coalescer[Ask, Answer]
    campaigns: CampaignHandler
    watch: Watch[bytes, bytes]
    quotes: QuoteReader
    handovers: HandoverTokens
    links: MemberLinks
    promoter_links: PromoterLinks
    apps: Apps | None = None
    """Where chat services can be served."""
    hearing: Hearing | None = None
    """Where members can have their messages sent to chats."""
    export: MemberExport | None = None
    """Where all that is held of a member is put together."""
    neighbours: Neighbours = field(default_factory=lambda: Neighbours({}, ""))
    """What the other services know of calls."""
    standings: Standings | None = None
    """How far all services are with test twins; None: this one is all there is."""


class Rpcs:
    """The base of the RPCs of one subject."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _ask(
        self,
        rpc: str,
        request: Message,
        campaign_id: UUID,
        command: Command,
        *,
        team_id: UUID | None = None,
        seat_id: UUID | None = None,
    ) -> Any:
        """Have a command decided; the answer is the response as it is stored, in bytes."""
        platform_id = caller()
        key = fields.request_key(rpc, platform_id, campaign_id, request)
        return await self._desk.commands.submit(Ask(platform_id, campaign_id, command, key, team_id, seat_id))

    def _seat_shown(self, seat: domain.Seat, currency: str) -> types_pb2.Seat:
        """Write a seat for whoever reads it: signs of abuse are for keys with the scope admin."""
        return translate.seat(seat if caller_may("admin") else replace(seat, flags=()), currency)

    async def _campaign(self, campaign_id: UUID) -> domain.Campaign:
        """Find a campaign of the caller as it is now; Rejected CAMPAIGN_UNKNOWN."""
        return await self._desk.campaigns.current(caller(), campaign_id)

    async def _team(self, campaign_id: UUID, team_id: UUID) -> tuple[domain.Team, domain.Terms]:
        """Find a team of the caller with its terms; Rejected TEAM_UNKNOWN."""
        async with self._desk.database.read() as connection:
            team = await store.find_team(connection, caller(), campaign_id, team_id)
            if team is None:
                raise Rejected("TEAM_UNKNOWN")
            [priced] = await self._desk.catalogue.priced(connection, [team])
        return priced

    async def _door(self, code: str) -> Door:
        """Find where a code of the caller leads; Rejected INVITE_UNKNOWN."""
        found = await self._desk.doors.find(caller(), [code])
        if code not in found:
            raise Rejected("INVITE_UNKNOWN")
        return found[code]

    async def _invite(self, code: str) -> domain.Invite:
        """Find an invite of the caller by its code; Rejected INVITE_UNKNOWN."""
        door = await self._door(code)
        async with self._desk.database.read() as connection:
            invite = await store.find_invite(connection, caller(), door.campaign_id, door.invite_id)
        if invite is None:
            raise Rejected("INVITE_UNKNOWN")
        return invite

    async def _resolved(self, invite: domain.Invite, language: str) -> pb.ResolveInviteResponse:
        """Say to a reader of a language what an invite of the caller leads to; Rejected where nobody can join by it."""
        now = self._desk.clock.now(caller())
        if refusal := domain.invite_refusal(invite, now):
            raise fields.rejected(refusal)
        team, terms = await self._team(invite.campaign_id, invite.team_id)
        campaign = await self._campaign(invite.campaign_id)
        return pb.ResolveInviteResponse(
            invite=write_invite(invite, self._desk.codes, language),
            team=translate.team(team, terms),
            campaign=translate.campaign(campaign, now),
            price_table=translate.price_table(terms.price_table),
        )
