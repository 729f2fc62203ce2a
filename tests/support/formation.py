"""A team_formation of one process without its network: campaign, handler and coalescer on a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from operator import attrgetter
from typing import Any
from uuid import UUID

import grpc
from groupbuy.pricing.v1 import pricing_internal_pb2_grpc
from groupbuy.team_formation.v1 import events_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.requests import RequestKey
from services.team_formation import domain, store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.codes import InviteCodes
from services.team_formation.handlers import (
    Ask,
    CampaignHandler,
    Command,
    DueFinder,
    Revoke,
    Sweeper,
    TeamHandler,
)
from services.team_formation.images.noting import note_created

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
LADDER = {0: 3990, 2: 3490, 3: 2990, 5: 2490}
PLATFORM = UUID(int=0xA)
OTHER_PLATFORM = UUID(int=0xB)
PUBLIC_URL = "https://shop.example"


def a_campaign(**changes: Any) -> domain.Campaign:
    """Make a campaign of mangoes: minimum 2, maximum 5, PREPAID, holds of ten minutes, teams of an hour."""
    rules = domain.Rules(
        changes.pop("payment_mode", domain.PaymentMode.PREPAID),
        changes.pop("counted_in", domain.CountedIn.MEMBERS),
        changes.pop("minimum", 2),
        changes.pop("maximum", 5),
        timedelta(minutes=10),
        timedelta(hours=1),
        close_when_full=changes.pop("close_when_full", True),
        max_units_per_seat=changes.pop("max_units_per_seat", 3),
        leave_until=changes.pop("leave_until", domain.LeaveUntil.TIPPED),
        **changes.pop("rules", {}),
    )
    steps = tuple(domain.PriceStep(at, price, tier) for tier, (at, price) in enumerate(LADDER.items()))
    basis = changes.pop("basis", domain.Basis.TEAM_MEMBERS)
    table = domain.PriceTable("EUR", basis, 1, tuple(domain.PriceRow("mango", role, steps) for role in domain.Role))
    terms = domain.Terms(1, rules, (domain.Item("mango", 3990, changes.pop("stock", None)),), (), table)
    texts = (domain.LocalizedText("en", "Mangoes"),)
    shown = domain.Presentation(texts, "", "Fruit Shop", "", "Asia/Shanghai")
    ends_at = changes.pop("ends_at", START + timedelta(days=1))
    platform_id = changes.pop("platform_id", PLATFORM)
    return domain.Campaign(ids.new_id(), platform_id, "merchant", "", "EUR", START, ends_at, shown, terms, **changes)


@dataclass
class Formation:
    """Asks and answers of one replica."""

    database: Database
    clock: ManualClock
    handler: TeamHandler
    campaigns: CampaignHandler
    commands: Coalescer[Ask, bytes]
    finder: DueFinder
    sweeper: Sweeper
    codes: InviteCodes
    _numbers: "count[int]" = field(default_factory=count)

    async def create(self, campaign: domain.Campaign) -> domain.Campaign:
        """Store a campaign."""
        async with self.database.work() as work:
            await store.insert_campaign(work.connection, campaign, self.clock.now())
            if stock := {item.sku: item.stock for item in campaign.terms.items if item.stock is not None}:
                await store.offer_stock(work.connection, campaign.platform_id, campaign.campaign_id, stock)
            await note_created(work, campaign, self.clock.now())
            work.tell(translate.campaign_created(campaign, self.clock.now()))
        return campaign

    async def change(
        self, campaign: domain.Campaign, command: domain.CampaignCommand, request_id: str = "", actor: str = ""
    ) -> pb.UpdateCampaignResponse:
        """Change a campaign; Rejected where a rule says no."""
        key = self.key("UpdateCampaign", campaign.campaign_id, request_id)
        answer = await self.campaigns.change(key, command, actor, lambda item: pb.UpdateCampaignResponse(campaign=item))
        if isinstance(answer, Rejected):
            raise answer
        return pb.UpdateCampaignResponse.FromString(answer)

    def key(self, rpc: str, campaign_id: UUID, request_id: str = "", body: bytes = b"") -> RequestKey:
        """Make a request key, a new one where no id is given."""
        return RequestKey(campaign_id, PLATFORM, rpc, request_id or f"r{next(self._numbers)}-{id(self)}", body)

    async def open(self, campaign: domain.Campaign, member: str = "mei", **changes: Any) -> pb.OpenTeamResponse:
        """Open a team."""
        request_id, quantity = changes.pop("request_id", ""), changes.pop("quantity", 1)
        sku = changes.pop("sku", "mango")
        command = domain.Open(ids.new_id(), domain.Join(ids.new_id(), member, sku, quantity, **changes))
        key = self.key("OpenTeam", campaign.campaign_id, request_id)
        ask = Ask(campaign.platform_id, campaign.campaign_id, command, key)
        return pb.OpenTeamResponse.FromString(await self.commands.submit(ask))

    async def join(self, team_id: str, member: str, **changes: Any) -> pb.JoinTeamResponse:
        """Join a team."""
        campaign_id, team = _two("team", team_id)
        request_id, quantity = changes.pop("request_id", ""), changes.pop("quantity", 1)
        platform_id = changes.pop("platform_id", PLATFORM)
        body = changes.pop("body", b"")
        command = domain.Join(ids.new_id(), member, changes.pop("sku", "mango"), quantity, **changes)
        ask = Ask(platform_id, campaign_id, command, self.key("JoinTeam", campaign_id, request_id, body), team)
        return pb.JoinTeamResponse.FromString(await self.commands.submit(ask))

    async def confirm(self, seat: Any, reference: str = "", **changes: Any) -> pb.ConfirmSeatResponse:
        """Confirm a seat at its cap."""
        campaign_id, seat_id = _two("seat", seat.seat_id)
        amount = changes.pop("amount", seat.cap.minor_units * seat.quantity)
        payment = reference or f"pay-{seat.seat_id[-12:]}"
        command = domain.Confirm(amount, "EUR", changes.pop("payment_reference", payment))
        key = self.key("ConfirmSeat", campaign_id, changes.pop("request_id", ""))
        ask = Ask(changes.pop("platform_id", PLATFORM), campaign_id, command, key, seat_id=seat_id)
        return pb.ConfirmSeatResponse.FromString(await self.commands.submit(ask))

    async def leave(self, seat: Any, units: int = 0, request_id: str = "") -> pb.LeaveTeamResponse:
        """Give a seat back, or some of its units."""
        return pb.LeaveTeamResponse.FromString(await self.on_seat("LeaveTeam", domain.Leave(units), seat, request_id))

    async def extend(self, seat: Any, request_id: str = "") -> pb.ExtendHoldResponse:
        """Extend a hold."""
        return pb.ExtendHoldResponse.FromString(await self.on_seat("ExtendHold", domain.Extend(), seat, request_id))

    async def default(self, seat: Any, request_id: str = "") -> pb.DefaultSeatResponse:
        """Say that the money of a seat did not come."""
        command = domain.Default("lapsed")
        return pb.DefaultSeatResponse.FromString(await self.on_seat("DefaultSeat", command, seat, request_id))

    async def sponsor(self, team_id: str, places: int = 1, request_id: str = "") -> pb.SponsorTeamResponse:
        """Fill places of a team."""
        command = domain.Sponsor(tuple(ids.new_id() for _ in range(places)), "mango")
        return pb.SponsorTeamResponse.FromString(await self.on_team("SponsorTeam", command, team_id, request_id))

    async def cancel(self, team_id: str, request_id: str = "") -> pb.CancelTeamResponse:
        """Give a team up."""
        command = domain.Cancel("recall")
        return pb.CancelTeamResponse.FromString(await self.on_team("CancelTeam", command, team_id, request_id))

    async def create_invite(
        self, team_id: str, promoter: str = "kol", max_uses: int = 0, request_id: str = ""
    ) -> pb.CreateInviteResponse:
        """Make a promoter's invite to a team."""
        command = domain.NewInvite(ids.new_id(), "", promoter, "wechat", "", "", None, max_uses)
        return pb.CreateInviteResponse.FromString(await self.on_team("CreateInvite", command, team_id, request_id))

    async def invite(self, team_id: str, promoter: str = "kol", max_uses: int = 0) -> UUID:
        """Make a promoter's invite to a team, and give its id."""
        return _two("inv", (await self.create_invite(team_id, promoter, max_uses)).invite.invite_id)[1]

    async def revoke(self, team_id: str, invite_id: UUID, request_id: str = "") -> pb.RevokeInviteResponse:
        """Take an invite to a team back."""
        campaign_id, _ = _two("team", team_id)
        key = self.key("RevokeInvite", campaign_id, request_id)
        ask = Ask(PLATFORM, campaign_id, Revoke(invite_id), key)
        return pb.RevokeInviteResponse.FromString(await self.commands.submit(ask))

    async def on_team(self, rpc: str, command: Command, team_id: str, request_id: str = "") -> bytes:
        """Have a command on a team decided."""
        campaign_id, team = _two("team", team_id)
        return await self.commands.submit(
            Ask(PLATFORM, campaign_id, command, self.key(rpc, campaign_id, request_id), team)
        )

    async def on_seat(self, rpc: str, command: Command, seat: Any, request_id: str = "") -> bytes:
        """Have a command on a seat decided."""
        campaign_id, seat_id = _two("seat", seat.seat_id)
        key = self.key(rpc, campaign_id, request_id)
        return await self.commands.submit(Ask(PLATFORM, campaign_id, command, key, seat_id=seat_id))

    async def facts(self, team_id: str) -> list[tuple[int, str]]:
        """Read the versions and facts told of a team, in order."""
        return [(event.sequence, event.WhichOneof("fact") or "") for event in await self.events(team_id)]

    async def events(self, team_id: str) -> list[events_pb2.TeamEvent]:
        """Read the events told of a team, in the order they were written."""
        rows = await self.rows("SELECT payload FROM outbox WHERE aggregateid = %s ORDER BY position", team_id)
        return [events_pb2.TeamEvent.FromString(payload) for (payload,) in rows]

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a query of a test."""
        async with self.database.read() as connection:
            return await (await connection.execute(sql, values)).fetchall()


def _two(prefix: str, text: str) -> tuple[UUID, UUID]:
    first, second = ids.parse(prefix, text, 2) or ()
    return first, second


@asynccontextmanager
async def a_formation(url: str, clock: ManualClock | None = None, limit: int = 500) -> AsyncIterator[Formation]:
    """Run one replica on a database; pricing is not there, campaigns are given with their prices."""
    clock = clock or ManualClock(START)
    database = Database(url, pool_size=4)
    await database.start()
    codes, catalogue = InviteCodes("a secret of tests", PUBLIC_URL), Catalogue()
    handler = TeamHandler(database, clock, catalogue, codes)
    commands = Coalescer("teams", handler.decide, limit=limit, party=attrgetter("platform_id"))
    running = asyncio.create_task(commands.run())
    async with grpc.aio.insecure_channel("127.0.0.1:1") as nowhere:
        pricing = pricing_internal_pb2_grpc.PricingInternalStub(nowhere)
        campaigns = CampaignHandler(database, clock, catalogue, pricing, "")
        finder, sweeper = DueFinder(database, clock, commands), Sweeper(database, commands)
        try:
            yield Formation(database, clock, handler, campaigns, commands, finder, sweeper, codes)
        finally:
            running.cancel()
            await asyncio.wait([running])
            await database.stop()
