"""What came of links, looks and seats: the engine's reports as tables."""

from collections.abc import Sequence

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.team_formation.v1.reports_pb2 import Funnel, ReportBy
from groupbuy.team_formation.v1.team_formation_service_pb2 import GetCampaignReportRequest, GetPromoterReportRequest

from deploy.demo.money import money
from deploy.demo.play.turn import Turn
from deploy.demo.scene import model
from deploy.demo.show.table import table

_COLUMNS = ("opened", "joined", "confirmed", "formed", "lost", "amount")


async def report(turn: Turn, step: model.Report) -> None:
    """Show what a promoter's invites brought, and the commission."""
    await turn.announce(f"What {step.promoter} brought, as GetPromoterReport counts it")
    request = GetPromoterReportRequest(
        campaign_id=turn.world.campaign.campaign_id, promoter_id=turn.world.member_id(step.promoter)
    )
    found = await turn.shop.ask(turn.shop.teams.GetPromoterReport, request)
    rows = [[part.channel, *_cells(part.funnel), _money(part.commission)] for part in found.invites]
    total = ["together", *_cells(found.total), _money(found.commission)]
    await _show(turn, [["", *_COLUMNS, "commission"], *rows, total])


async def report_by(turn: Turn, step: model.ReportBy) -> None:
    """Show what the campaign brought, in parts."""
    await turn.announce(f"What the campaign brought by {step.part}, as GetCampaignReport counts it")
    request = GetCampaignReportRequest(
        campaign_id=turn.world.campaign.campaign_id, by=ReportBy.Value(f"REPORT_BY_{step.part.upper()}")
    )
    found = await turn.shop.ask(turn.shop.teams.GetCampaignReport, request)
    rows = [[turn.world.name_of(row.key) or "(none)", *_cells(row.funnel)] for row in found.rows]
    await _show(turn, [["", *_COLUMNS], *rows, ["together", *_cells(found.total)]])


def _cells(funnel: Funnel) -> list[str]:
    numbers = (funnel.opened, funnel.joined, funnel.confirmed, funnel.formed, funnel.expired + funnel.left)
    return [*(f"{number:,}" for number in numbers), _money(funnel.amount)]


def _money(amount: Money) -> str:
    return money(amount.minor_units, amount.currency)


async def _show(turn: Turn, rows: Sequence[Sequence[str]]) -> None:
    turn.record.notes += [" ".join(row).strip() for row in rows]
    for line in table(rows):
        turn.stage.view.line(f"    {line}")
    await turn.stage.beat(2.0)
