"""Reports: what a campaign and a promoter's invites brought."""

from uuid import UUID

from groupbuy.team_formation.v1 import reports_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.chassis.server import caller
from services.team_formation import translate
from services.team_formation.domain.checks import Problem, check_member_id
from services.team_formation.domain.reports import Funnel, InviteReport, ReportBy, ReportPart
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.store.reports import report_campaign, report_promoter

_BY = {
    reports_pb2.REPORT_BY_UNSPECIFIED: ReportBy.DAY,
    reports_pb2.REPORT_BY_DAY: ReportBy.DAY,
    reports_pb2.REPORT_BY_CHANNEL: ReportBy.CHANNEL,
    reports_pb2.REPORT_BY_PROMOTER: ReportBy.PROMOTER,
    reports_pb2.REPORT_BY_ITEM: ReportBy.ITEM,
}


class ReportRpcs(Rpcs):
    """Answers what came of looks, links and seats."""

    async def GetPromoterReport(  # noqa: N802
        self, request: pb.GetPromoterReportRequest, _context: Context
    ) -> pb.GetPromoterReportResponse:
        """Report what a promoter's invites brought in a campaign, and the commission."""
        fields.refuse(check_member_id("promoter_id", request.promoter_id))
        campaign = await self._campaign(fields.campaign_of(request.campaign_id))
        async with self._desk.database.read() as connection:
            report = await report_promoter(connection, caller(), campaign.campaign_id, request.promoter_id)
        return pb.GetPromoterReportResponse(
            total=_funnel(report.total, campaign.currency),
            commission=translate.money(report.commission, campaign.currency),
            invites=[_invite(invite, campaign.campaign_id, campaign.currency) for invite in report.invites],
        )

    async def GetCampaignReport(  # noqa: N802
        self, request: pb.GetCampaignReportRequest, _context: Context
    ) -> pb.GetCampaignReportResponse:
        """Report a campaign in parts; days are those of its time zone."""
        by = _by(request.by)
        campaign = await self._campaign(fields.campaign_of(request.campaign_id))
        zone = campaign.presentation.time_zone
        async with self._desk.database.read() as connection:
            report = await report_campaign(connection, caller(), campaign.campaign_id, by, zone)
        return pb.GetCampaignReportResponse(
            total=_funnel(report.total, campaign.currency),
            rows=[_row(part, campaign.currency) for part in report.rows],
            joins_per_invite=report.joins_per_invite,
        )


def _by(wanted: reports_pb2.ReportBy.ValueType) -> ReportBy:
    if wanted not in _BY:
        fields.refuse([Problem("by", "must be REPORT_BY_DAY, _CHANNEL, _PROMOTER or _ITEM")])
    return _BY[wanted]


def _row(part: ReportPart, currency: str) -> reports_pb2.ReportRow:
    return reports_pb2.ReportRow(key=part.key or "", funnel=_funnel(part.funnel, currency), invites=part.invites)


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
