"""Reads a CreateCampaign request into a campaign, or refuses it with every problem at once."""

from datetime import datetime
from uuid import UUID

from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.team_formation import domain, translate
from services.team_formation.domain import Basis, Problem
from services.team_formation.rpc.fields import read_time, refuse


def campaign_wanted(
    request: pb.CreateCampaignRequest, platform_id: UUID, campaign_id: UUID, now: datetime
) -> domain.Campaign:
    """Read a campaign whose price table is still empty."""
    problems: list[Problem] = []
    starts_at = read_time("starts_at", request.starts_at, problems) if request.HasField("starts_at") else now
    ends_at = read_time("ends_at", request.ends_at, problems)
    rules = _rules(request, problems)
    items = tuple(domain.Item(item.sku, item.list_price.minor_units) for item in request.items)
    problems += [
        Problem(f"items[{n}].list_price.currency", f"must be the campaign's currency, {request.currency}")
        for n, item in enumerate(request.items)
        if item.list_price.currency != request.currency
    ]
    shown = translate.read_presentation(request.presentation)
    if rules and starts_at and ends_at:
        problems += domain.check_campaign(
            request.merchant_id, request.external_ref, starts_at, ends_at, items, rules, shown
        )
        if ends_at <= now:
            problems.append(Problem("ends_at", "must be in the future"))
    refuse(problems)
    if rules is None or starts_at is None or ends_at is None:
        raise AssertionError("each of them missing is a problem")
    table = domain.PriceTable(request.currency, Basis.TEAM_MEMBERS, 1, ())
    return domain.Campaign(
        campaign_id,
        platform_id,
        request.merchant_id,
        request.external_ref,
        request.currency,
        starts_at,
        ends_at,
        shown,
        domain.Terms(1, rules, items, _tiers(request.ladder), table),
    )


def _rules(request: pb.CreateCampaignRequest, problems: list[Problem]) -> domain.Rules | None:
    try:
        return translate.read_rules(request.rules)
    except KeyError as unknown:
        problems.append(Problem(f"rules.{unknown.args[0]}", "is not a value this release knows"))
    except OverflowError:
        problems.append(Problem("rules", "a lifetime is out of range"))
    except ValueError:
        problems.append(Problem("rules.payment_mode", "say how members pay: COMMIT, HOLD, PREPAID or PAY_ON_DELIVERY"))
    return None


def _tiers(ladder: ladder_pb2.Ladder) -> tuple[domain.Tier, ...]:
    return translate.read_tiers(ladder)
