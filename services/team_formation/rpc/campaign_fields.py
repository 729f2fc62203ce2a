"""Reads what is wanted of a campaign, or refuses it with every problem at once."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.team_formation import domain, translate
from services.team_formation.domain import Basis, Problem
from services.team_formation.rpc.fields import read_time, refuse

_SHORTEST = timedelta(seconds=1)
_LONGEST = timedelta(days=366)


def campaign_wanted(
    request: pb.CreateCampaignRequest, platform_id: UUID, campaign_id: UUID, now: datetime
) -> domain.Campaign:
    """Read a campaign whose price table is still empty."""
    problems: list[Problem] = []
    starts_at = read_time("starts_at", request.starts_at, problems) if request.HasField("starts_at") else now
    ends_at = read_time("ends_at", request.ends_at, problems)
    rules = _rules(request, problems)
    latest_end = read_time("latest_end", request.latest_end, problems) if request.HasField("latest_end") else None
    items = tuple(map(translate.read_item, request.items))
    problems += _check_currencies(request, request.currency)
    shown = translate.read_presentation(request.presentation)
    abuse_rules = tuple(map(translate.read_abuse_rule, request.abuse_rules))
    problems += domain.check_abuse_rules(abuse_rules)
    if rules and starts_at and ends_at:
        problems += domain.check_campaign(
            request.merchant_id, request.external_ref, starts_at, ends_at, items, rules, shown, latest_end
        )
        if ends_at <= now:
            problems.append(Problem("ends_at", "must be in the future"))
        problems += _check_filling(rules, of_campaign=request.ladder.basis == ladder_pb2.BASIS_CAMPAIGN_UNITS)
    order = translate.READ_COUPON_ORDERS.get(request.coupon_order)
    if order is None:
        problems.append(Problem("coupon_order", "must be AFTER_TIER or BEFORE_TIER, or not said for AFTER_TIER"))
    refuse(problems)
    if rules is None or starts_at is None or ends_at is None or order is None:
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
        domain.Terms(1, rules, items, translate.read_tiers(request.ladder), table),
        phase=domain.Phase.DRAFT if request.draft else domain.Phase.PUBLISHED,
        latest_end=latest_end,
        coupon_order=order,
        abuse_rules=abuse_rules,
    )


def _check_filling(rules: domain.Rules, *, of_campaign: bool) -> list[Problem]:
    """Refuse to fill places of a team whose final price is known only when a tally has fixed it."""
    terms = rules.payment_terms
    if not of_campaign or terms is None or not terms.fills_from_waitlist:
        return []
    what = "FILL_FROM_WAITLIST needs a ladder that the team fills: choose KEEP_PRICE, or another ladder.basis"
    return [Problem("rules.payment_terms.on_unpaid", what)]


def _check_currencies(asked: pb.CreateCampaignRequest | pb.CampaignFields, currency: str) -> list[Problem]:
    problems = [
        Problem(f"items[{n}].list_price.currency", f"must be the campaign's currency, {currency}")
        for n, item in enumerate(asked.items)
        if item.list_price.currency != currency
    ]
    problems += [
        Problem(f"items[{n}].floor_price.currency", f"must be the campaign's currency, {currency}")
        for n, item in enumerate(asked.items)
        if item.HasField("floor_price") and item.floor_price.currency != currency
    ]
    problems += [
        Problem(f"presentation.charges[{n}].fixed.currency", f"must be the campaign's currency, {currency}")
        for n, charge in enumerate(asked.presentation.charges)
        if charge.HasField("fixed") and charge.fixed.currency != currency
    ]
    if asked.rules.HasField("leader_reward") and asked.rules.leader_reward.currency != currency:
        problems.append(Problem("rules.leader_reward.currency", f"must be the campaign's currency, {currency}"))
    return problems


def _rules(request: pb.CreateCampaignRequest | pb.CampaignFields, problems: list[Problem]) -> domain.Rules | None:
    try:
        return translate.read_rules(request.rules)
    except KeyError as unknown:
        problems.append(Problem(f"rules.{unknown.args[0]}", "is not a value this release knows"))
    except OverflowError:
        problems.append(Problem("rules", "a lifetime is out of range"))
    except ValueError:
        problems.append(Problem("rules.payment_mode", "say how members pay: COMMIT, HOLD, PREPAID or PAY_ON_DELIVERY"))
    return None


_FIELDS = frozenset(pb.CampaignFields.DESCRIPTOR.fields_by_name)
_PRICED = frozenset({"items", "ladder", "currency"})


def prices_change(names: frozenset[str]) -> bool:
    """Tell whether a change of these fields needs a new price table."""
    return bool(names & _PRICED)


def fields_wanted(
    request: pb.UpdateCampaignRequest, current: domain.Campaign, now: datetime
) -> tuple[domain.Campaign, frozenset[str]]:
    """Read a campaign as it is wanted, and the names of the fields that change."""
    names, asked = frozenset(request.update_mask.paths), request.fields
    problems = [
        Problem("update_mask", f"there is no field {name}; there are {', '.join(sorted(_FIELDS))}")
        for name in sorted(names - _FIELDS)
    ]
    if not names:
        problems.append(Problem("update_mask", "name the fields to change"))
    problems += domain.check_reference("actor", request.actor)
    if request.version < 0:
        problems.append(Problem("version", "must be the version the change was made for, or 0"))
    refuse(problems)
    plain: Any = {name: getattr(asked, name) for name in names & {"merchant_id", "external_ref", "currency"}}
    times: Any = {name: _time_wanted(name, asked, problems) for name in names & {"starts_at", "ends_at", "latest_end"}}
    wanted = replace(current, **plain, **times, terms=_terms_wanted(asked, names, current, problems))
    if "presentation" in names:
        wanted = replace(wanted, presentation=translate.read_presentation(asked.presentation))
    if "abuse_rules" in names:
        wanted = replace(wanted, abuse_rules=tuple(map(translate.read_abuse_rule, asked.abuse_rules)))
    if names & {"items", "rules", "currency", "presentation"}:
        problems += _check_currencies(asked, wanted.currency)
    refuse(problems)
    basis = asked.ladder.basis if "ladder" in names else translate.ladder(wanted.terms.price_table.basis, ()).basis
    refuse(_check_wanted(wanted, names, now, of_campaign=basis == ladder_pb2.BASIS_CAMPAIGN_UNITS))
    return wanted, names


def _time_wanted(name: str, asked: Any, problems: list[Problem]) -> datetime | None:
    if asked.HasField(name):
        return read_time(name, getattr(asked, name), problems)
    if name != "latest_end":
        problems.append(Problem(name, "must be said, since update_mask names it"))
    return None


def _terms_wanted(
    asked: pb.CampaignFields, names: frozenset[str], current: domain.Campaign, problems: list[Problem]
) -> domain.Terms:
    terms = current.terms
    rules = _rules(asked, problems) if "rules" in names else terms.rules
    items = tuple(map(translate.read_item, asked.items)) if "items" in names else terms.items
    tiers = translate.read_tiers(asked.ladder) if "ladder" in names else terms.tiers
    return replace(terms, rules=rules or terms.rules, items=items, tiers=tiers)


def _check_wanted(wanted: domain.Campaign, names: frozenset[str], now: datetime, *, of_campaign: bool) -> list[Problem]:
    problems = domain.check_campaign(
        wanted.merchant_id,
        wanted.external_ref,
        wanted.starts_at,
        wanted.ends_at,
        wanted.terms.items,
        wanted.terms.rules,
        wanted.presentation,
        wanted.latest_end,
    )
    problems += domain.check_abuse_rules(wanted.abuse_rules) + _check_filling(
        wanted.terms.rules, of_campaign=of_campaign
    )
    if "ends_at" in names and wanted.ends_at <= now:
        problems.append(Problem("ends_at", "must be in the future"))
    return [Problem(f"fields.{item.field}", item.description) for item in problems]


def directed(request: pb.DirectCampaignRequest) -> domain.CampaignCommand:
    """Read what a live host does."""
    action = request.WhichOneof("action")
    problems: list[Problem] = []
    command: domain.CampaignCommand = domain.StartNow()
    match action:
        case "start_now":
            pass
        case "show_item":
            problems += domain.check_reference("show_item.sku", request.show_item.sku)
            command = domain.ShowItem(request.show_item.sku)
        case "release_units":
            asked = request.release_units
            problems += domain.check_reference("release_units.sku", asked.sku, needed=True)
            if not 1 <= asked.units <= domain.LARGEST_STOCK:
                problems.append(Problem("release_units.units", f"must be 1 to {domain.LARGEST_STOCK}"))
            command = domain.ReleaseUnits(asked.sku, asked.units)
        case "extend":
            command = domain.ExtendBy(_span("extend.by", request.extend.by, problems))
        case "close":
            after = getattr(request.close, "in")
            given = request.close.HasField("in")
            command = domain.CloseIn(_span("close.in", after, problems)) if given else domain.CloseIn()
        case _:
            problems.append(Problem("action", "say what is done: start_now, show_item, release_units, extend or close"))
    refuse(problems)
    return command


def _span(field: str, message: Duration, problems: list[Problem]) -> timedelta:
    try:
        span = message.ToTimedelta()
    except OverflowError:
        span = timedelta()
    if not _SHORTEST <= span <= _LONGEST:
        problems.append(Problem(field, "must be 1 second to 366 days"))
    return span
