"""The card that a chat shows of an invite link, drawn as a box of text from what ResolveInvite answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import zip_longest
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from groupbuy.pricing.v1.ladder_pb2 import Role
from groupbuy.team_formation.v1.team_formation_service_pb2 import ResolveInviteResponse

from deploy.demo.money import money, plain
from deploy.demo.show.text import WIDTH, counted, fill, wrap

_SIDE_BY_SIDE = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """What a card says. Prices are for a new member, in words; `missing` is how many more lower the price, 0: none."""

    inviter: str
    note: str
    title: str
    seller: str
    alone: str
    now: str
    following: str
    missing: int
    seats_left: int
    closes: str
    site: str
    commission: str = ""
    """What the inviter earns, as a percentage; empty: nothing. Then the card is advertising, and says so."""
    sponsored: int = 0
    """Places of the team that the platform fills itself."""


def offer_of(answer: ResolveInviteResponse, language: str = "en") -> Offer:
    """Read an offer from what a link leads to."""
    team, campaign, invite = answer.team, answer.campaign, answer.invite
    price = next(item for item in team.prices if item.role == Role.ROLE_MEMBER)
    item = next(item for item in campaign.items if item.sku == price.sku)
    titles = {text.language: text.title for text in campaign.presentation.texts}
    taken = team.totals.confirmed_members + team.totals.held_members
    closes = team.ends_at.ToDatetime(tzinfo=UTC).astimezone(ZoneInfo(campaign.presentation.time_zone or "UTC"))
    return Offer(
        inviter=invite.label,
        note=invite.note,
        title=titles.get(language) or campaign.presentation.texts[0].title,
        seller=campaign.presentation.seller,
        alone=money(item.list_price.minor_units, campaign.currency),
        now=money(price.unit_price.minor_units, campaign.currency),
        following=plain(price.next_unit_price.minor_units, campaign.currency) if price.missing_to_next else "",
        missing=price.missing_to_next,
        seats_left=team.maximum - taken,
        closes=f"{closes:%a %d %b, %H:%M %Z}",
        site=urlsplit(invite.url).netloc,
        commission=f"{invite.commission_basis_points / 100:g} %" if invite.commission_basis_points else "",
        sponsored=team.totals.sponsored_members,
    )


def draw(offers: Sequence[tuple[str, Offer]]) -> list[str]:
    """Draw one card per chat, up to three side by side, in 80 columns."""
    lines: list[str] = []
    for start in range(0, len(offers), _SIDE_BY_SIDE):
        row = offers[start : start + _SIDE_BY_SIDE]
        lines += _row([_card(chat, offer, _width(len(row))) for chat, offer in row])
    return lines


def _width(beside: int) -> int:
    return min((WIDTH - (beside - 1)) // beside, 44)


def _row(cards: Sequence[list[str]]) -> list[str]:
    blank = [" " * len(card[0]) for card in cards]
    rows = zip_longest(*cards)
    return [" ".join(cell or empty for cell, empty in zip(row, blank, strict=True)).rstrip() for row in rows]


def _card(chat: str, offer: Offer, width: int) -> list[str]:
    name, write = _CHATS.get(chat, (chat, _plainly))
    inner = width - 4
    head = f"+-- {name} ".ljust(width - 1, "-") + "+"
    body = [
        part
        for text in (*_above(offer), *write(offer, inner), *_below(offer))
        for part in ([text] if text.startswith("  ") else wrap(text, inner) or [""])
    ]
    return [head, *(f"| {fill_keeping(line, inner)} |" for line in body), "+" + "-" * (width - 2) + "+"]


def _above(offer: Offer) -> list[str]:
    return [f"Advertising: {offer.inviter} earns {offer.commission}.", ""] if offer.commission else []


def _below(offer: Offer) -> list[str]:
    if not offer.sponsored:
        return []
    return ["", f"{counted(offer.sponsored, 'place')} of the team {'is' if offer.sponsored == 1 else 'are'} sponsored."]


def fill_keeping(line: str, width: int) -> str:
    """Fill a line to its width, its indentation kept."""
    indent = len(line) - len(line.lstrip())
    return " " * indent + fill(line, width - indent)


def _next(offer: Offer) -> str:
    if not offer.missing:
        return "the lowest price is reached"
    return f"{offer.following} with {offer.missing} more"


def _wechat(offer: Offer, inner: int) -> list[str]:
    """Title and description beside a small picture, the sender's mini program below."""
    return [
        f"{offer.inviter}: {offer.note}" if offer.note else f"{offer.inviter} shared",
        "",
        offer.title,
        f"Group buy {offer.now},",
        f"{_next(offer)}!",
        f"Alone {offer.alone}.",
        f"Ends {offer.closes}",
        "-" * inner,
        f"{offer.seller}",
    ]


def _telegram(offer: Offer, inner: int) -> list[str]:
    """The text, then the preview behind a bar: site, title, description."""
    preview = [
        offer.seller,
        offer.title,
        f"Now {offer.now}, {_next(offer)}. {counted(offer.seats_left, 'seat')} left, until {offer.closes}.",
    ]
    said = [f"{offer.inviter}: {offer.note}" if offer.note else offer.inviter]
    return [*said, "", *(f"  | {line}" for text in preview for line in wrap(text, inner - 4)), "", offer.site]


def _whatsapp(offer: Offer, inner: int) -> list[str]:
    """The preview on top, the text and the link below."""
    missing = f"{offer.missing} more and it is {offer.following}." if offer.missing else "It is the lowest price."
    return [
        offer.title,
        f"{offer.now} together instead of {offer.alone}." if offer.now != offer.alone else f"{offer.now} so far.",
        missing,
        f"Closes {offer.closes}.",
        offer.site,
        "-" * inner,
        offer.note or "Join me!",
    ]


def _plainly(offer: Offer, _inner: int) -> list[str]:
    """Everything, for a chat that we know nothing special about."""
    return [
        f"{offer.inviter}: {offer.note}" if offer.note else offer.inviter,
        "",
        offer.title,
        f"Now {offer.now}, {_next(offer)}.",
        f"Until {offer.closes}, {counted(offer.seats_left, 'seat')} left.",
        offer.site,
    ]


_CHATS: dict[str, tuple[str, Callable[[Offer, int], list[str]]]] = {
    "wechat": ("WeChat", _wechat),
    "telegram": ("Telegram", _telegram),
    "whatsapp": ("WhatsApp", _whatsapp),
}
