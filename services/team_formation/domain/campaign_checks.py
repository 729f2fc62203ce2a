"""What a campaign may be: every problem of what a platform asks for, each with its field and remedy."""

import re
from collections import Counter
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from services.team_formation.domain.campaign import (
    CountedIn,
    Item,
    LocalizedText,
    OnFull,
    PaymentMode,
    Presentation,
    Rules,
    ShownCharge,
    WhoMayJoin,
)
from services.team_formation.domain.checks import Problem, check_reference, is_written
from services.team_formation.domain.payment_terms import check_authorisations_last, check_filling, check_payment_terms

MOST_ITEMS = 100
MOST_TEXTS = 50
MOST_CHARGES = 20
MOST_RULE_TAGS = 20
MOST_WAITING = 10_000
LARGEST_TEAM = 1_000_000
LARGEST_STOCK = 1_000_000_000
LARGEST_AMOUNT = 10**12
LARGEST_PAYMENT = LARGEST_AMOUNT * LARGEST_TEAM
"""The dearest unit times the most units of a seat; it fits into 64 bits."""

WHOLE = 10_000
"""Basis points of the whole."""

LONGEST_HOLD = timedelta(days=30)
LONGEST_TEAM = timedelta(days=366)
LONGEST_TITLE = 200
LONGEST_LANGUAGE = 64
LONGEST_TERMS = 4000
LONGEST_URL = 2048
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that are this machine: what goes there leaves it never, so it needs no TLS."""
_SECOND = timedelta(seconds=1)
_AN_ADDRESS = f"an https address of at most {LONGEST_URL} ASCII characters without spaces"
_A_LINE = f"must be 1 to {LONGEST_TITLE} characters, without control characters and line breaks"
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")


def check_campaign(
    merchant_id: str,
    external_ref: str,
    starts_at: datetime,
    ends_at: datetime,
    items: tuple[Item, ...],
    rules: Rules,
    presentation: Presentation,
    latest_end: datetime | None = None,
) -> list[Problem]:
    """Check what a platform asks for; the ladder is pricing's to check."""
    problems = check_reference("merchant_id", merchant_id, needed=True)
    problems += check_reference("external_ref", external_ref)
    if ends_at <= starts_at:
        problems.append(Problem("ends_at", "must be after starts_at"))
    if latest_end and latest_end < ends_at:
        problems.append(Problem("latest_end", "must not be before ends_at; leave it out where nobody may extend"))
    problems += _check_items(items) + _check_rules(rules) + _check_presentation(presentation)
    return problems + _check_terms(rules, starts_at, latest_end or ends_at)


def _check_terms(rules: Rules, starts_at: datetime, last_end: datetime) -> list[Problem]:
    """Check when money has to come; how long authorisations live matters where money is authorised."""
    terms = rules.payment_terms
    if terms is None:
        return []
    if rules.payment_mode not in {PaymentMode.COMMIT, PaymentMode.HOLD}:
        what = f"are for COMMIT and HOLD; in {rules.payment_mode} no money comes late by itself: leave them out"
        return [Problem("rules.payment_terms", what)]
    waits = rules.on_full is OnFull.WAITLIST
    commits = rules.payment_mode is PaymentMode.COMMIT
    problems = check_payment_terms(terms) + check_filling(terms, commits=commits, waits=waits)
    if problems or rules.payment_mode is not PaymentMode.HOLD or last_end <= starts_at:
        return problems
    return check_authorisations_last(terms, rules.team_lifetime, starts_at, last_end)


def _check_items(items: tuple[Item, ...]) -> list[Problem]:
    problems: list[Problem] = []
    if not 1 <= len(items) <= MOST_ITEMS:
        problems.append(Problem("items", f"must be 1 to {MOST_ITEMS} items"))
    for n, item in enumerate(items):
        problems += check_reference(f"items[{n}].sku", item.sku, needed=True)
        if not 1 <= item.list_price <= LARGEST_AMOUNT:
            problems.append(Problem(f"items[{n}].list_price", f"must be 1 to {LARGEST_AMOUNT} minor units"))
        problems += _check_shown_prices(f"items[{n}]", item)
        if item.stock is not None and not 0 <= item.stock <= LARGEST_STOCK:
            problems.append(
                Problem(f"items[{n}].stock", f"must be 0 to {LARGEST_STOCK} units; leave it out for no limit")
            )
    twice = [sku for sku, count in Counter(item.sku for item in items).items() if count > 1]
    return problems + [Problem("items", f"the SKU {sku} stands there twice; name each once") for sku in twice]


def _check_shown_prices(field: str, item: Item) -> list[Problem]:
    problems: list[Problem] = []
    if not 0 <= item.floor_price <= max(item.list_price, 0):
        problems.append(Problem(f"{field}.floor_price", "must be at most the list price; leave it out for no floor"))
    shown = item.reference
    if shown is None:
        return problems
    if shown.sku != item.sku:
        problems.append(Problem(f"{field}.reference.sku", f"must be {item.sku}, the item's own, or empty"))
    if not 1 <= shown.unit_price <= LARGEST_AMOUNT:
        problems.append(Problem(f"{field}.reference.unit_price", f"must be 1 to {LARGEST_AMOUNT} minor units"))
    if shown.kind is None:
        problems.append(Problem(f"{field}.reference.kind", "must say what price it is: LIST or LOWEST_OF_30_DAYS"))
    return problems


def _check_rules(rules: Rules) -> list[Problem]:
    problems: list[Problem] = []
    if rules.minimum < 1:
        problems.append(Problem("rules.minimum", "must be at least 1"))
    if not max(rules.minimum, 1) <= rules.maximum <= LARGEST_TEAM:
        problems.append(Problem("rules.maximum", f"must be from the minimum to {LARGEST_TEAM}"))
    if not _SECOND <= rules.hold_lifetime <= LONGEST_HOLD:
        problems.append(Problem("rules.hold_lifetime", "must be 1 second to 30 days"))
    if not _SECOND <= rules.team_lifetime <= LONGEST_TEAM:
        problems.append(Problem("rules.team_lifetime", "must be 1 second to 366 days"))
    largest = rules.maximum if rules.counted_in is CountedIn.UNITS else LARGEST_TEAM
    if not 1 <= rules.max_units_per_seat <= max(largest, 1):
        problems.append(Problem("rules.max_units_per_seat", f"must be 1 to {largest}"))
    return problems + _check_limits(rules) + _check_who(rules.who_may_join)


def _check_limits(rules: Rules) -> list[Problem]:
    bounds = (
        ("max_units_per_member", rules.max_units_per_member, LARGEST_STOCK),
        ("max_teams_per_member", rules.max_teams_per_member, LARGEST_TEAM),
        ("max_teams_opened_per_member", rules.max_teams_opened_per_member, LARGEST_TEAM),
        ("max_waiting", rules.max_waiting, MOST_WAITING),
        ("max_sponsored", rules.max_sponsored, LARGEST_TEAM),
        ("leader_reward", rules.leader_reward, LARGEST_AMOUNT),
    )
    problems = [
        Problem(f"rules.{name}", f"must be 0 to {most}") for name, value, most in bounds if not 0 <= value <= most
    ]
    if not timedelta() <= rules.hold_extension <= LONGEST_HOLD:
        problems.append(Problem("rules.hold_extension", "must be at most 30 days; leave it out for no extension"))
    if not timedelta() <= rules.leave_after_formed <= LONGEST_TEAM:
        problems.append(Problem("rules.leave_after_formed", "must be at most 366 days; leave it out for not at all"))
    return problems


def _check_who(who: WhoMayJoin) -> list[Problem]:
    problems = []
    if len(who.tags) > MOST_RULE_TAGS:
        problems.append(Problem("rules.who_may_join.tags", f"must be at most {MOST_RULE_TAGS}"))
    for n, tag in enumerate(who.tags):
        problems += check_reference(f"rules.who_may_join.tags[{n}]", tag, needed=True)
    if who.newcomers_only and who.old_brings_new:
        what = "cannot be together with newcomers_only: then nobody could open a team"
        problems.append(Problem("rules.who_may_join.old_brings_new", what))
    return problems


def _check_presentation(shown: Presentation) -> list[Problem]:
    problems: list[Problem] = []
    if not 1 <= len(shown.texts) <= MOST_TEXTS:
        problems.append(Problem("presentation.texts", f"must be 1 to {MOST_TEXTS}, one for each language"))
    for n, text in enumerate(shown.texts):
        problems += _check_text(f"presentation.texts[{n}]", text)
    twice = [tag for tag, count in Counter(text.language.lower() for text in shown.texts).items() if count > 1]
    problems += [Problem("presentation.texts", f"the language {tag} stands there twice") for tag in twice]
    if not _is_line(shown.seller):
        problems.append(Problem("presentation.seller", _A_LINE))
    if shown.image_url and not _is_address(shown.image_url):
        problems.append(Problem("presentation.image_url", f"must be {_AN_ADDRESS}, or empty"))
    if shown.checkout_url and not _is_address(shown.checkout_url, on_this_machine=True):
        what = f"must be {_AN_ADDRESS}, or http on {', '.join(sorted(LOOPBACK))} for a trial, or empty"
        problems.append(Problem("presentation.checkout_url", what))
    problems += _check_charges(shown.charges)
    if not _is_zone(shown.time_zone):
        problems.append(Problem("presentation.time_zone", 'must be an IANA time zone, for instance "Asia/Shanghai"'))
    return problems


def _check_charges(charges: tuple[ShownCharge, ...]) -> list[Problem]:
    problems: list[Problem] = []
    if len(charges) > MOST_CHARGES:
        problems.append(Problem("presentation.charges", f"must be at most {MOST_CHARGES}"))
    for n, charge in enumerate(charges):
        field = f"presentation.charges[{n}]"
        if charge.kind is None:
            problems.append(Problem(f"{field}.kind", "must say what it is for: DELIVERY or TAX"))
        if not _is_line(charge.label):
            problems.append(Problem(f"{field}.label", _A_LINE))
        if charge.amount is None and charge.basis_points is None:
            problems.append(Problem(field, "must say how much: a fixed amount or basis_points"))
        if charge.amount is not None and not 0 <= charge.amount <= LARGEST_AMOUNT:
            problems.append(Problem(f"{field}.fixed", f"must be 0 to {LARGEST_AMOUNT} minor units"))
        if charge.basis_points is not None and not 1 <= charge.basis_points <= WHOLE:
            problems.append(Problem(f"{field}.basis_points", f"must be 1 to {WHOLE}"))
    return problems


def _check_text(field: str, text: LocalizedText) -> list[Problem]:
    problems: list[Problem] = []
    if len(text.language) > LONGEST_LANGUAGE or not _LANGUAGE.fullmatch(text.language):
        problems.append(Problem(f"{field}.language", 'must be a BCP 47 tag, for instance "en" or "zh-Hans"'))
    if not _is_line(text.title):
        problems.append(Problem(f"{field}.title", _A_LINE))
    if len(text.terms) > LONGEST_TERMS or not is_written(text.terms, lines=True):
        what = f"must be at most {LONGEST_TERMS} characters, without control characters but line breaks and tabs"
        problems.append(Problem(f"{field}.terms", what))
    return problems


def _is_line(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_TITLE and is_written(text)


def _is_address(url: str, *, on_this_machine: bool = False) -> bool:
    if len(url) > LONGEST_URL or not all("!" <= letter <= "~" for letter in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = on_this_machine and parts.scheme == "http" and parts.hostname in LOOPBACK
    return (parts.scheme == "https" and bool(parts.hostname)) or plain


def _is_zone(name: str) -> bool:
    if name == "localtime":  # a machine's own; PostgreSQL, which counts days, knows none of this name
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True
