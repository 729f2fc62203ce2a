"""A promoter's pages in words: what its links brought, what it earns and why. No member is named."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from services.chassis import formats, ids
from services.team_formation import translate
from services.team_formation.codes import InviteCodes
from services.team_formation.domain import Campaign, CampaignState, Invite, invite_refusal
from services.team_formation.domain.reports import Funnel, InviteReport
from services.team_formation.sharing.values import disclosure
from services.team_formation.web.promoter_numbers import Detail, Overview, Promoted
from services.team_formation.web.wording import channel_name, ending, percent_text, text_of
from services.team_formation.web.words import Words


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it counts."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Earnings:
    """What a promoter earns in a campaign."""

    balance: str
    """Empty where it cannot be said now."""
    lines: tuple[str, ...]
    """What it is made of, and what may come; or why it cannot be said."""
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A campaign of the overview."""

    path: str
    title: str
    title_language: str
    when: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class OverviewView:
    """What the overview says."""

    path: str
    cards: tuple[Card, ...]
    older: str
    """The address of the next page; empty at the end."""
    counted: str
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class LinkView:
    """One link of a promoter."""

    code: str
    url: str
    qr: str
    name: str
    note: str
    made: str
    state: str
    """Why nobody joins by it any more; empty while it is good."""
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class DetailView:
    """What the page of one campaign says."""

    path: str
    back: str
    title: str
    title_language: str
    seller: str
    when: str
    figures: tuple[Figure, ...]
    meanings: tuple[str, ...]
    earnings: Earnings | None
    disclosure: str
    """What has to be said wherever a link is shown that earns."""
    links: tuple[LinkView, ...]
    older: str
    counted: str
    counted_at: datetime
    update: str
    """What a screen reader is told when the numbers change."""


_ENDS = {CampaignState.RUNNING, CampaignState.PAUSED}
_OVER = {CampaignState.ENDED: "c_ended_title", CampaignState.CANCELLED: "c_cancelled_title"}
_MEANINGS = ("p_opened_why", "p_joined_why", "p_confirmed_why", "p_formed_why", "p_amount_why")
_STATES = {"INVITE_REVOKED": "p_REVOKED", "INVITE_EXPIRED": "p_EXPIRED", "INVITE_USED_UP": "p_USED_UP"}


def overview_view(shown: Overview, path: str, words: Words) -> OverviewView:
    """Say what a promoter's campaigns brought; `path` is the page's own."""
    cards = tuple(_card(one, path, words) for one in shown.promoted)
    before = translate.campaign_id(shown.before) if shown.before else ""
    counted = _counted(shown.counted_at, shown.promoted[0].campaign, words) if shown.promoted else ""
    return OverviewView(path, cards, f"?before={before}" if before else "", counted, shown.counted_at)


def detail_view(shown: Detail, path: str, words: Words, title_language: str, codes: InviteCodes) -> DetailView:
    """Say what a promoter's links brought to a campaign; `path` is that of the promoter's overview."""
    promoted, campaign = shown.promoted, shown.promoted.campaign
    text, total = text_of(campaign, title_language), promoted.report.total
    figures = _figures(total, campaign, words)
    before = ids.opaque(translate.INVITE, campaign.campaign_id, shown.before) if shown.before else ""
    earning = next((invite for invite, _ in shown.invites if invite.commission_basis_points), None)
    return DetailView(
        path=f"{path}/{_code(campaign)}",
        back=path,
        title=text.title,
        title_language=text.language,
        seller=words.say("sold_by", seller=formats.isolated(campaign.presentation.seller, words.locale)),
        when=_when(promoted, words),
        figures=figures,
        meanings=tuple(words.say(key) for key in _MEANINGS),
        earnings=_earnings(promoted, words) if promoted.rates else None,
        disclosure=disclosure(earning, words.language) if earning else "",
        links=tuple(_link(invite, report, shown, codes, words) for invite, report in shown.invites),
        older=f"?before={before}" if before else "",
        counted=_counted(shown.counted_at, campaign, words),
        counted_at=shown.counted_at,
        update=". ".join(f"{figure.label}: {figure.value}" for figure in figures),
    )


def _code(campaign: Campaign) -> str:
    return translate.campaign_id(campaign.campaign_id).removeprefix(f"{translate.CAMPAIGN}_")


def _counted(at: datetime, campaign: Campaign, words: Words) -> str:
    return words.say("p_counted", by=ending(at, campaign, words, seconds=True))


def _when(promoted: Promoted, words: Words) -> str:
    campaign, state = promoted.campaign, promoted.state
    if state is CampaignState.SCHEDULED:
        return words.say("c_starts", by=ending(campaign.starts_at, campaign, words))
    if state in _ENDS:
        return words.say("ends", by=ending(campaign.ends_at, campaign, words))
    return words.say(_OVER[state]) if state in _OVER else ""


def _card(promoted: Promoted, path: str, words: Words) -> Card:
    campaign = promoted.campaign
    languages = tuple(text.language for text in campaign.presentation.texts)
    text = text_of(campaign, formats.best_match(words.language, languages, languages[0]))
    figures = list(_figures(promoted.report.total, campaign, words, few=True))
    if promoted.rates and promoted.settled:
        figures.append(Figure(words.say("p_commission"), _money(promoted.settled.balance, campaign, words)))
    return Card(f"{path}/{_code(campaign)}", text.title, text.language, _when(promoted, words), tuple(figures))


def _figures(funnel: Funnel, campaign: Campaign, words: Words, *, few: bool = False) -> tuple[Figure, ...]:
    """Write the way from a look to a sale: all of it, or what matters most."""
    numbers = {"opened": funnel.opened, "joined": funnel.joined, "confirmed": funnel.confirmed, "formed": funnel.formed}
    rest = {} if few else {"units": funnel.units, "expired": funnel.expired, "left": funnel.left}
    amount = Figure(words.say("p_amount"), _money(funnel.amount, campaign, words))
    return (
        *(_figure(name, number, words) for name, number in numbers.items()),
        amount,
        *(_figure(name, number, words) for name, number in rest.items()),
    )


def _figure(name: str, number: int, words: Words) -> Figure:
    return Figure(words.say(f"p_{name}"), formats.number(number, words.locale))


def _earnings(promoted: Promoted, words: Words) -> Earnings:
    campaign, settled = promoted.campaign, promoted.settled
    lines = [] if settled else [words.say("p_away")]
    if settled:
        earned, back = (_money(amount, campaign, words) for amount in (settled.earned, settled.taken_back))
        lines.append(words.say("p_earned", earned=earned, back=back))
    if promoted.under_way:
        lines.append(words.say("p_under_way", amount=_money(promoted.under_way, campaign, words)))
    rates = [words.say("p_why_rate", percent=percent_text(rate, words)) for rate in promoted.rates]
    why = (*rates, *(words.say(key) for key in ("p_why_earned", "p_why_back", "p_why_settled")))
    balance = _money(settled.balance, campaign, words) if settled else ""
    return Earnings(balance, tuple(lines), why)


def _link(invite: Invite, report: InviteReport, shown: Detail, codes: InviteCodes, words: Words) -> LinkView:
    campaign = shown.promoted.campaign
    code = codes.code(invite.invite_id)
    url = codes.url(code)
    refusal = invite_refusal(invite, shown.counted_at)
    return LinkView(
        code=code,
        url=url,
        qr=f"{urlsplit(url).path}/qr.svg",
        name=channel_name(invite.channel, words),
        note=invite.note,
        made=words.say("p_made", by=ending(invite.created_at, campaign, words)),
        state=words.say(_STATES[refusal.reason]) if refusal else "",
        figures=_figures(report.funnel, campaign, words, few=True),
    )


def _money(amount: int, campaign: Campaign, words: Words) -> str:
    return formats.money(amount, campaign.currency, words.locale)
