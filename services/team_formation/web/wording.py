"""Words that several pages have in common: times, prices beside each other, and what comes beside the price."""

from datetime import datetime

from babel.dates import get_timezone_location
from babel.numbers import format_percent

from services.chassis import formats
from services.team_formation.domain import (
    Basis,
    Campaign,
    CountedIn,
    LocalizedText,
    ReferenceKind,
    ShownCharge,
    TeamState,
)
from services.team_formation.web.offer import ItemOffer, Offer, Step
from services.team_formation.web.words import Words

_WHOLE = 10_000
_LEAST_SAVING = 0.01
"""Less than one percent is not worth a word."""
_ALONE = {None: "alone", ReferenceKind.LIST: "alone_list", ReferenceKind.LOWEST_OF_30_DAYS: "alone_lowest"}


_OF_BASIS = {Basis.TEAM_MEMBERS: "members", Basis.TEAM_UNITS: "units", Basis.CAMPAIGN_UNITS: "campaign"}
_ENDED = {
    TeamState.FORMED: "formed_title",
    TeamState.FAILED: "failed_title",
    TeamState.CANCELLED: "cancelled_title",
}


def text_of(campaign: Campaign, language: str) -> LocalizedText:
    """Give a campaign's own texts in a language; in its first one where they are not written in that."""
    texts = campaign.presentation.texts
    return next((text for text in texts if text.language == language), texts[0])


def of_basis(key: str, basis: Basis) -> str:
    """Name the words of a kind that speak of what fills the ladder: then_members, then_units, then_campaign."""
    return f"{key}_{_OF_BASIS[basis]}"


def step_label(step: Step, basis: Basis, words: Words) -> str:
    """Say from which fill on a step of the ladder holds."""
    return words.count(of_basis("from", basis), step.threshold) if step.threshold else words.say("start")


def ended_title(state: TeamState, words: Words) -> str:
    """Say first of an ended team how it ended; nothing of an open one."""
    key = _ENDED.get(state)
    return words.say(key) if key else ""


def seats_text(offer: Offer, words: Words) -> str:
    """Say how many of a team's places are taken for certain."""
    key = "seats_members" if offer.counted_in is CountedIn.MEMBERS else "seats_units"
    return words.count(key, offer.confirmed, maximum=formats.number(offer.maximum, words.locale))


def percent_text(basis_points: int, words: Words) -> str:
    """Write a share of hundredths of a percent, none of them lost."""
    return format_percent(basis_points / _WHOLE, locale=words.locale, decimal_quantization=False)


def ending(at: datetime, campaign: Campaign, words: Words, *, seconds: bool = False) -> str:
    """Write a time where the campaign is, and where that is: Nov 21, 9:00 PM (Shanghai)."""
    zone = campaign.presentation.time_zone or "UTC"
    place = "UTC" if zone == "UTC" else get_timezone_location(formats.zone(zone), words.locale, return_city=True)
    return words.say("by", time=formats.moment(at, zone, words.locale, seconds=seconds), zone=place)


def channel_name(channel: str, words: Words) -> str:
    """Name a channel that links are shared in; one of a platform's own by its own name."""
    return str(words.texts["channels"].get(channel, channel))


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
        amount = percent_text(charge.basis_points or 0, words)
    return f"{formats.isolated(charge.label, words.locale)}: {amount}"
