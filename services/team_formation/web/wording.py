"""Words that several pages have in common: times, prices beside each other, and what comes beside the price."""

from datetime import datetime

from babel.dates import get_timezone_location
from babel.numbers import format_percent

from services.chassis import formats
from services.team_formation.domain import Campaign, ReferenceKind, ShownCharge
from services.team_formation.web.offer import ItemOffer
from services.team_formation.web.words import Words

_WHOLE = 10_000
_LEAST_SAVING = 0.01
"""Less than one percent is not worth a word."""
_ALONE = {None: "alone", ReferenceKind.LIST: "alone_list", ReferenceKind.LOWEST_OF_30_DAYS: "alone_lowest"}


def ending(at: datetime, campaign: Campaign, words: Words) -> str:
    """Write a time where the campaign is, and where that is: Nov 21, 9:00 PM (Shanghai)."""
    zone = campaign.presentation.time_zone or "UTC"
    place = "UTC" if zone == "UTC" else get_timezone_location(formats.zone(zone), words.locale, return_city=True)
    return words.say("by", time=formats.moment(at, zone, words.locale), zone=place)


def alone_text(item: ItemOffer, currency: str, words: Words) -> str:
    """Say what an item costs without a team, and what kind of price that is."""
    return words.say(_ALONE[item.alone_kind], price=formats.money(item.alone, currency, words.locale))


def saving_text(now: int, alone: int, words: Words) -> str:
    """Say by how much a price is lower than another, in whole percent, rounded down; nothing where that is none."""
    percent = (alone - now) * 100 // alone if alone > now else 0
    return words.say("saving", percent=format_percent(percent / 100, locale=words.locale)) if percent else ""


def charge_lines(campaign: Campaign, words: Words) -> tuple[str, ...]:
    """Say what comes beside the price, and whether taxes are in it."""
    shown = campaign.presentation
    lines = [_charge(charge, campaign.currency, words) for charge in shown.charges]
    if shown.prices_include_tax is not None:
        lines.append(words.say("tax_yes" if shown.prices_include_tax else "tax_no"))
    return tuple(lines)


def _charge(charge: ShownCharge, currency: str, words: Words) -> str:
    if charge.amount is not None:
        amount = formats.money(charge.amount, charge.currency or currency, words.locale)
    else:
        share = (charge.basis_points or 0) / _WHOLE
        amount = format_percent(share, locale=words.locale, decimal_quantization=False)
    return f"{formats.isolated(charge.label, words.locale)}: {amount}"
