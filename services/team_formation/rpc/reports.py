"""Reports: what a campaign and the invites of a promoter or member brought."""

from collections.abc import Awaitable, Callable
from typing import Literal
from uuid import UUID

from groupbuy.team_formation.v1 import reports_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.team_formation import domain, translate
from services.team_formation.domain.checks import Problem, check_member_id
from services.team_formation.domain.reports import Funnel, InviteReport, InvitesReport, ReportBy, ReportPart
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.rpc.filters import Page
from services.team_formation.store.reports import report_campaign, report_invite, report_member, report_promoter

_BY = {
    reports_pb2.REPORT_BY_UNSPECIFIED: ReportBy.DAY,
    reports_pb2.REPORT_BY_DAY: ReportBy.DAY,
    reports_pb2.REPORT_BY_CHANNEL: ReportBy.CHANNEL,
    reports_pb2.REPORT_BY_PROMOTER: ReportBy.PROMOTER,
    reports_pb2.REPORT_BY_ITEM: ReportBy.ITEM,
    reports_pb2.REPORT_BY_MEMBER: ReportBy.MEMBER,
}


class ReportRpcs(Rpcs):
    """Answers what came of looks, links and seats."""

    async def GetPromoterReport(  # noqa: N802
        self, request: pb.GetPromoterReportRequest, _context: Context
    ) -> pb.GetPromoterReportResponse:
        """Report what a promoter's invites brought in a campaign, and the commission."""
        campaign, report, invites, token = await self._of_maker("promoter_id", request, report_promoter)
        return pb.GetPromoterReportResponse(
            total=_funnel(report.total, campaign.currency),
            commission=translate.money(report.commission, campaign.currency),
            invites=invites,
            next_page_token=token,
        )

    async def GetMemberReport(  # noqa: N802
        self, request: pb.GetMemberReportRequest, _context: Context
    ) -> pb.GetMemberReportResponse:
        """Report what the invites that a member made brought in a campaign."""
        campaign, report, invites, token = await self._of_maker("member_id", request, report_member)
        total = _funnel(report.total, campaign.currency)
        return pb.GetMemberReportResponse(total=total, invites=invites, next_page_token=token)

    async def _of_maker(
        self,
        maker: Literal["promoter_id", "member_id"],
        request: pb.GetPromoterReportRequest | pb.GetMemberReportRequest,
        report_maker: Callable[..., Awaitable[InvitesReport]],
    ) -> tuple[domain.Campaign, InvitesReport, list[reports_pb2.InviteReport], str]:
        """Report the invites of whoever made them: the campaign, the sum, a page of invites, the token of the next."""
        maker_id: str = getattr(request, maker)
        fields.refuse(check_member_id(maker, maker_id))
        page = Page.read(request)
        campaign = await self._campaign(fields.campaign_of(request.campaign_id))
        async with self._desk.database.read() as connection:
            report = await report_maker(connection, caller(), campaign.campaign_id, maker_id, page.id(), page.size + 1)
        shown, last = page.cut(list(report.invites))
        invites = [_invite(invite, campaign.campaign_id, campaign.currency) for invite in shown]
        return campaign, report, invites, page.next(str(last.invite_id)) if last else ""

    async def GetInviteReport(  # noqa: N802
        self, request: pb.GetInviteReportRequest, _context: Context
    ) -> pb.GetInviteReportResponse:
        """Report what one invite brought."""
        campaign_id, invite_id = fields.invite_of(request.invite_id)
        async with self._desk.database.read() as connection:
            report = await report_invite(connection, caller(), campaign_id, invite_id)
        if report is None:
            raise Rejected("INVITE_UNKNOWN")
        campaign = await self._campaign(campaign_id)
        return pb.GetInviteReportResponse(report=_invite(report, campaign_id, campaign.currency))

    async def GetCampaignReport(  # noqa: N802
        self, request: pb.GetCampaignReportRequest, _context: Context
    ) -> pb.GetCampaignReportResponse:
        """Report a campaign in parts; days are those of its time zone."""
        by, page = _by(request.by), Page.read(request)
        campaign = await self._campaign(fields.campaign_of(request.campaign_id))
        zone = campaign.presentation.time_zone
        async with self._desk.database.read() as connection:
            report = await report_campaign(
                connection, caller(), campaign.campaign_id, by, zone, page.text(), page.size + 1
            )
        rows, last = page.cut(list(report.rows))
        return pb.GetCampaignReportResponse(
            total=_funnel(report.total, campaign.currency),
            rows=[_row(part, campaign.currency) for part in rows],
            joins_per_invite=report.joins_per_invite,
            next_page_token=page.next(last.key) if last else "",
        )


def _by(wanted: reports_pb2.ReportBy.ValueType) -> ReportBy:
    if wanted not in _BY:
        fields.refuse([Problem("by", "must be REPORT_BY_DAY, _CHANNEL, _PROMOTER, _ITEM or _MEMBER")])
    return _BY[wanted]


def _row(part: ReportPart, currency: str) -> reports_pb2.ReportRow:
    return reports_pb2.ReportRow(key=part.key, funnel=_funnel(part.funnel, currency), invites=part.invites)


def _invite(report: InviteReport, campaign_id: UUID, currency: str) -> reports_pb2.InviteReport:
    return reports_pb2.InviteReport(
        invite_id=ids.opaque(translate.INVITE, campaign_id, report.invite_id),
        channel=report.channel,
        funnel=_funnel(report.funnel, currency),
        commission_basis_points=report.commission_basis_points,
        commission=translate.money(report.commission, currency),
    )


def _funnel(funnel: Funnel, currency: str) -> reports_pb2.Funnel:
    return reports_pb2.Funnel(
        opened=funnel.opened,
        joined=funnel.joined,
        confirmed=funnel.confirmed,
        formed=funnel.formed,
        units=funnel.units,
        amount=translate.money(funnel.amount, currency),
        expired=funnel.expired,
        left=funnel.left,
    )
