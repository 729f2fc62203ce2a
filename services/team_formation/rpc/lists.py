"""Lists, page by page, and the search for a team to join."""

import hashlib
import secrets
from collections.abc import Sequence
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis.database import Connection
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.team_formation import domain, store, translate
from services.team_formation.invites import write_invite
from services.team_formation.rpc import fields, filters
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.rpc.filters import Page
from services.team_formation.rpc.sizes import fitting
from services.team_formation.store import lists


class ListRpcs(Rpcs):
    """Answers with many of a kind, in an order that stays as it is while others are added."""

    async def ListCampaigns(self, request: pb.ListCampaignsRequest, _context: Context) -> pb.ListCampaignsResponse:  # noqa: N802
        """List the caller's campaigns, the newest first."""
        page, wanted, now = Page.read(request), filters.campaigns_wanted(request), self._desk.clock.now(caller())
        async with self._desk.database.read() as connection:
            found = await lists.list_campaigns(connection, caller(), wanted, now, page.id(), page.size + 1)
            shown, last = page.cut(found)
            stock = await _stock(connection, [campaign.campaign_id for campaign in shown])
        written = fitting(translate.campaign(campaign, now, stock.get(campaign.campaign_id)) for campaign in shown)
        last = page.last(shown, len(written), last)
        token = page.next(str(last.campaign_id)) if last else ""
        return pb.ListCampaignsResponse(campaigns=written, next_page_token=token)

    async def ListCampaignChanges(  # noqa: N802
        self, request: pb.ListCampaignChangesRequest, _context: Context
    ) -> pb.ListCampaignChangesResponse:
        """List what was done to a campaign, in order."""
        page = Page.read(request)
        campaign = await self._campaign(fields.campaign_of(request.campaign_id))
        async with self._desk.database.read() as connection:
            found = await lists.list_changes(connection, caller(), campaign.campaign_id, page.number(), page.size + 1)
        shown, last = page.cut(found)
        token = page.next(str(last.version)) if last else ""
        return pb.ListCampaignChangesResponse(changes=map(_change, shown), next_page_token=token)

    async def ListTeams(self, request: pb.ListTeamsRequest, _context: Context) -> pb.ListTeamsResponse:  # noqa: N802
        """List teams of a campaign, the newest first."""
        page, wanted = Page.read(request), filters.teams_wanted(request)
        campaign = await self._campaign(fields.campaign_of(request.campaign_id))
        async with self._desk.database.read() as connection:
            found = await lists.list_teams(connection, caller(), campaign.campaign_id, wanted, page.id(), page.size + 1)
            shown, last = page.cut(found)
            priced = await self._desk.catalogue.priced(connection, shown)
        written = fitting(translate.team(team, terms) for team, terms in priced)
        last = page.last(shown, len(written), last)
        return pb.ListTeamsResponse(teams=written, next_page_token=page.next(str(last.team_id)) if last else "")

    async def ListSeats(self, request: pb.ListSeatsRequest, _context: Context) -> pb.ListSeatsResponse:  # noqa: N802
        """List seats of a team as they were taken, or of a campaign as they changed last."""
        page = Page.read(request)
        campaign_id, wanted = filters.seats_wanted(request)
        if wanted.team_id:
            _, terms = await self._team(campaign_id, wanted.team_id)
            currency = terms.price_table.currency
        else:
            currency = (await self._campaign(campaign_id)).currency
        seats, token = await self._seats(campaign_id, wanted, page)
        return pb.ListSeatsResponse(seats=[self._seat_shown(seat, currency) for seat in seats], next_page_token=token)

    async def GetInvite(self, request: pb.GetInviteRequest, _context: Context) -> pb.GetInviteResponse:  # noqa: N802
        """Read an invite."""
        campaign_id, invite_id = fields.invite_of(request.invite_id)
        fields.refuse(fields.check_language(request.language))
        async with self._desk.database.read() as connection:
            invite = await store.find_invite(connection, caller(), campaign_id, invite_id)
        if invite is None:
            raise Rejected("INVITE_UNKNOWN")
        return pb.GetInviteResponse(invite=write_invite(invite, self._desk.codes, request.language))

    async def ListInvites(self, request: pb.ListInvitesRequest, _context: Context) -> pb.ListInvitesResponse:  # noqa: N802
        """List invites of a campaign, in the order they were made."""
        page = Page.read(request)
        campaign_id, wanted = filters.invites_wanted(request)
        await self._campaign(campaign_id)
        if wanted.team_id:
            await self._team(campaign_id, wanted.team_id)
        async with self._desk.database.read() as connection:
            found = await lists.list_invites(connection, caller(), campaign_id, wanted, page.id(), page.size + 1)
        shown, last = page.cut(found)
        return pb.ListInvitesResponse(
            invites=[write_invite(invite, self._desk.codes, request.language) for invite in shown],
            next_page_token=page.next(str(last.invite_id)) if last else "",
        )

    async def FindTeam(self, request: pb.FindTeamRequest, _context: Context) -> pb.FindTeamResponse:  # noqa: N802
        """Find a listed team to join: the fullest that fits; among equals each member is sent its own way."""
        filters.check_search(request)
        campaign = await self._campaign(fields.campaign_of(request.campaign_id))
        now = self._desk.clock.now(caller())
        if campaign.state(now) is not domain.CampaignState.RUNNING:
            raise Rejected("NO_TEAM_FOUND")
        key, turn, quantity = request.match_key, _turn(request.member_id), request.quantity or 1
        async with self._desk.database.read() as connection:
            team = await lists.find_fullest(
                connection, caller(), campaign.campaign_id, key, request.member_id, quantity, now, turn
            )
            if team is None:
                raise Rejected("NO_TEAM_FOUND")
            [priced] = await self._desk.catalogue.priced(connection, [team])
        return pb.FindTeamResponse(team=translate.team(*priced))

    async def _seats(self, campaign_id: UUID, wanted: lists.SeatFilter, page: Page) -> tuple[list[domain.Seat], str]:
        async with self._desk.database.read() as connection:
            if wanted.team_id:
                found = await lists.list_seats_of_team(
                    connection, caller(), campaign_id, wanted, page.number(), page.size + 1
                )
            else:
                found = await lists.list_seats_by_change(
                    connection, caller(), campaign_id, wanted, page.change(), page.size + 1
                )
        shown, last = page.cut(found)
        if last is None:
            return shown, ""
        if wanted.team_id or last.updated_at is None:
            return shown, page.next(str(last.number))
        return shown, page.next(filters.change_position(last.updated_at, last.seat_id))


async def _stock(connection: Connection, campaign_ids: Sequence[UUID]) -> dict[UUID, dict[str, domain.Level]]:
    found: dict[UUID, dict[str, domain.Level]] = {}
    for campaign_id, sku, level in await (await store.list_stock(connection, caller(), campaign_ids)).all():
        found.setdefault(campaign_id, {})[sku] = level
    return found


def _change(change: lists.Change) -> pb.CampaignChange:
    return pb.CampaignChange(
        version=change.version,
        action=events_pb2.CampaignAction.Value(f"CAMPAIGN_ACTION_{change.action}"),
        actor=change.actor,
        at=translate.time(change.at),
        request_id=change.request_id,
        fields=change.fields,
        detail=change.detail,
    )


def _turn(member_id: str) -> int:
    """Tell the number by which equals are ordered: a member's own, or any where nobody says who asks."""
    raw = hashlib.sha256(member_id.encode()).digest()[:8] if member_id else secrets.token_bytes(8)
    return int.from_bytes(raw, signed=True)
