"""A campaign's page in words: everything that it says, in one language; the HTML and the JSON are made from it.

Like an invite page, it is a function of the code, what is stored and the language, never of the time at which it is
made.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.chassis import formats
from services.team_formation import translate
from services.team_formation.domain import Basis, Campaign, CampaignState, CountedIn, Role, Team, Terms
from services.team_formation.web.campaign_visits import CampaignVisit
from services.team_formation.web.offer import ItemOffer, Offer, Step, ladder_of, offer_of, offer_of_new
from services.team_formation.web.photos import Photo, photo_of
from services.team_formation.web.picture import Shape
from services.team_formation.web.previews import picture_url
from services.team_formation.web.wording import (
    alone_text,
    charge_lines,
    ending,
    of_basis,
    saving_text,
    seats_text,
    step_label,
    text_of,
)
from services.team_formation.web.words import Words


class CampaignAction(StrEnum):
    """What the main button does."""

    OPEN = "OPEN"
    REMIND = "REMIND"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class CampaignPrice:
    """Prices of the main item; amounts in minor units, per unit."""

    sku: str
    alone: int
    alone_kind: str
    opening: int
    """What who opens a team with one unit pays, and never more."""
    now: int
    """The lowest at which anybody can join now: by opening a team, or in a listed one."""
    lowest: int
    lowest_at: int
    text: str
    """The lowest price, and the fill at which it is reached; empty where it does not fall."""
    alone_text: str
    saving: str
    """Of the lowest price."""


@dataclass(frozen=True, slots=True)
class StockLine:
    """Units left of an item."""

    sku: str
    left: int
    text: str


@dataclass(frozen=True, slots=True)
class CampaignItem:
    """An item of several, in words."""

    sku: str
    text: str
    alone: str
    stock: str
    """What is left of it; empty without a limit."""


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A listed team."""

    team_id: str
    counted_in: str
    confirmed: int
    held: int
    sponsored: int
    maximum: int
    missing: int
    """Until it is certain."""
    now: int
    """What who joins with one unit of the main item pays, and never more."""
    text: str
    missing_text: str
    notes: tuple[str, ...]
    ends: str
    ends_at: datetime
    join_text: str
    join_url: str
    """Empty where no checkout can be led to."""


@dataclass(frozen=True, slots=True)
class LadderStep:
    """A step of the ladder."""

    threshold: int
    unit_price: int
    label: str
    price: str
    is_reached: bool
    is_current: bool
    mark: str


@dataclass(frozen=True, slots=True)
class CampaignView:
    """All that a campaign's page says."""

    code: str
    link: str
    picture: str
    """The address of the preview picture, 1200 x 630."""
    square: str
    """The same in a square, for cards with a small picture."""
    path: str
    version: str
    language: str
    direction: str
    state: str
    payment_mode: str
    currency: str
    title: str
    title_language: str
    photo: Photo | None
    """The picture of what is sold; None where there is none."""
    seller: str
    heading: str
    """What the page says first where nobody can join now; empty while it runs."""
    text: str
    price: CampaignPrice
    joined: int
    joined_text: str
    stock: tuple[StockLine, ...]
    stock_text: str
    """What is left, where there is one item."""
    teams: tuple[TeamLine, ...]
    teams_none: str
    """What is said where none is listed."""
    fill: int
    """What has filled the ladder, in its basis: of the whole campaign, or of its fullest open team."""
    basis: str
    ladder: tuple[LadderStep, ...]
    items: tuple[CampaignItem, ...]
    charges: tuple[str, ...]
    terms: str
    starts: str
    """When it starts; empty once it has."""
    starts_at: datetime
    ends: str
    ends_at: datetime
    counts_to: datetime | None
    """What there is a countdown to: the start, then the end; None once nothing is to come."""
    counts_text: str
    action: CampaignAction
    action_text: str
    action_url: str
    action_why: str
    alone_url: str
    alone_text: str
    update: str
    """What a screen reader is told when the page changes."""


def campaign_view(visit: CampaignVisit, words: Words, title_language: str) -> CampaignView:
    """Say what a campaign's page says."""
    return _Writer(visit, words, title_language).write()


_HEADINGS = {
    CampaignState.SCHEDULED: "c_scheduled",
    CampaignState.PAUSED: "c_paused",
    CampaignState.ENDED: "c_ended",
    CampaignState.CANCELLED: "c_cancelled",
}
_ON = {CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED}


class _Writer:
    """Writes one view."""

    def __init__(self, visit: CampaignVisit, words: Words, title_language: str) -> None:
        self.visit = visit
        self.shown = visit.shown
        self.words = words
        self.campaign: Campaign = visit.shown.campaign
        self.offer: Offer = offer_of_new(self.campaign, visit.shown.counted.tally)
        self.text = text_of(self.campaign, title_language)
        self.left = self.shown.left

    def write(self) -> CampaignView:
        visit, campaign, words, state = self.visit, self.campaign, self.words, self.shown.state
        teams = tuple(self._team(*priced) for priced in self.shown.listed) if visit.is_open else ()
        price = self._price(teams)
        heading, text = self._heading()
        action, action_text, action_url = self._action()
        alone = campaign.presentation.checkout_url if visit.is_open else ""
        joined = words.count("c_joined", self.shown.joined)
        early = visit.is_early
        # chats keep pictures by their address: a campaign that was changed has another one, and one that has begun
        return CampaignView(
            code=visit.code,
            link=visit.link,
            picture=picture_url(visit, words, Shape.WIDE),
            square=picture_url(visit, words, Shape.SQUARE),
            path=visit.path,
            version=visit.version,
            language=words.language,
            direction=words.direction,
            state=str(state),
            payment_mode=str(campaign.terms.rules.payment_mode),
            currency=campaign.currency,
            title=self.text.title,
            title_language=self.text.language,
            photo=photo_of(visit.photo, visit.link.removesuffix(f"/c/{visit.code}")),
            seller=words.say("sold_by", seller=formats.isolated(campaign.presentation.seller, words.locale)),
            heading=heading,
            text=text,
            price=price,
            joined=self.shown.joined,
            joined_text=joined if not early and (self.shown.joined or state in _ON) else "",
            stock=tuple(StockLine(sku, left, self._left(sku)) for sku, left in self.left.items()),
            stock_text=self._left(self.offer.main.sku) if len(self.offer.items) == 1 and state in _ON else "",
            teams=teams,
            teams_none="" if teams or not visit.is_open else words.say("c_teams_none"),
            fill=self.shown.fill,
            basis=str(self.offer.basis),
            ladder=self._ladder(),
            items=tuple(self._item(item) for item in self.offer.items) if len(self.offer.items) > 1 else (),
            charges=charge_lines(campaign, words),
            terms=self.text.terms,
            starts=words.say("c_starts", by=ending(campaign.starts_at, campaign, words)) if early else "",
            starts_at=campaign.starts_at,
            ends=words.say("ends", by=ending(campaign.ends_at, campaign, words)) if state in _ON else "",
            ends_at=campaign.ends_at,
            counts_to=(campaign.starts_at if early else campaign.ends_at) if state in _ON else None,
            counts_text=words.say("c_until_start" if early else "left"),
            action=action,
            action_text=action_text,
            action_url=action_url,
            action_why=self._why() if action is CampaignAction.OPEN else "",
            alone_url=alone,
            alone_text=words.say("buy_alone", price=self._money(self.offer.main.alone)) if alone else "",
            update=heading or words.say("update", seats=joined, price=price.text or price.alone_text),
        )

    def _money(self, amount: int) -> str:
        return formats.money(amount, self.campaign.currency, self.words.locale)

    def _from(self, amount: int) -> str:
        text = self._money(amount)
        return self.words.say("price_from", price=text) if self.offer.is_from else text

    def _heading(self) -> tuple[str, str]:
        """Say why nobody can join now, if so."""
        reason = self.campaign.suspension_reason
        if reason and self.shown.state is CampaignState.PAUSED:
            why = formats.isolated(reason, self.words.locale)
            return self.words.say("c_suspended_title"), self.words.say("c_suspended", reason=why)
        key = _HEADINGS.get(self.shown.state) or ("c_sold_out" if self.shown.is_sold_out else "")
        return (self.words.say(f"{key}_title"), self.words.say(key)) if key else ("", "")

    def _price(self, teams: tuple[TeamLine, ...]) -> CampaignPrice:
        main, table = self.offer.main, self.campaign.terms.price_table
        lowest = self._for_members(main)
        key = of_basis("poster", table.basis)
        price = self._from(lowest.lowest)
        falls = lowest.lowest < main.alone
        return CampaignPrice(
            sku=main.sku,
            alone=main.alone,
            alone_kind=str(main.alone_kind or ""),
            opening=main.now,
            now=min([main.now, *(team.now for team in teams)]),
            lowest=lowest.lowest,
            lowest_at=lowest.lowest_at,
            text=self.words.count(key, lowest.lowest_at, price=price) if falls else "",
            alone_text=alone_text(main, self.campaign.currency, self.words),
            saving=saving_text(lowest.lowest, main.alone, self.words),
        )

    def _for_members(self, item: ItemOffer) -> ItemOffer:
        """Give an item's prices for members: who opens a team may have lower ones, as its leader."""
        offer = offer_of_new(self.campaign, self.shown.counted.tally, Role.MEMBER)
        return next(one for one in offer.items if one.sku == item.sku)

    def _left(self, sku: str) -> str:
        if sku not in self.left:
            return ""
        return self.words.count("c_stock", self.left[sku]) if self.left[sku] else self.words.say("c_sold_out_title")

    def _item(self, item: ItemOffer) -> CampaignItem:
        alone = self.words.say("alone", price=self._money(item.alone))
        return CampaignItem(item.sku, self._money(item.now), alone, self._left(item.sku))

    def _team(self, team: Team, terms: Terms) -> TeamLine:
        words, offer = self.words, offer_of(team, terms, self.campaign)
        name = translate.team_id(team.campaign_id, team.team_id)
        missing = "c_missing_members" if offer.counted_in is CountedIn.MEMBERS else "c_missing_units"
        price = self._money(offer.main.now)
        join = words.say("join", price=words.say("price_from", price=price) if offer.is_from else price)
        notes = [words.count(key, number) for key, number in self._kept(offer) if number]
        return TeamLine(
            team_id=name,
            counted_in=str(offer.counted_in),
            confirmed=offer.confirmed,
            held=offer.held,
            sponsored=offer.sponsored,
            maximum=offer.maximum,
            missing=offer.needed,
            now=offer.main.now,
            text=seats_text(offer, words),
            missing_text=words.count(missing, offer.needed) if offer.needed else words.say("c_certain"),
            notes=tuple(notes),
            ends=words.say("ends", by=ending(team.ends_at, self.campaign, words)),
            ends_at=team.ends_at,
            join_text=join,
            join_url=f"{self.visit.path}/join/{name}" if self.visit.leads_to_checkout else "",
        )

    @staticmethod
    def _kept(offer: Offer) -> tuple[tuple[str, int], ...]:
        return ("held", offer.held), ("sponsored", offer.sponsored)

    def _ladder(self) -> tuple[LadderStep, ...]:
        """List the steps, as they stand for the whole campaign, or for its fullest open team."""
        row = self.campaign.terms.price_table.row(self.offer.main.sku, Role.MEMBER)
        steps = ladder_of(row, self.shown.fill, self.shown.fill)
        return tuple(self._step(step) for step in steps)

    def _step(self, step: Step) -> LadderStep:
        basis, words = self.offer.basis, self.words
        stands = self.shown.fill > 0 or basis is Basis.CAMPAIGN_UNITS
        is_current = step.is_current and stands
        mark = "now_here" if basis is Basis.CAMPAIGN_UNITS else "c_fullest_mark"
        return LadderStep(
            step.threshold,
            step.unit_price,
            step_label(step, basis, words),
            self._money(step.unit_price),
            step.is_reached and stands,
            is_current,
            words.say(mark) if is_current else words.say("reached") if step.is_reached and stands else "",
        )

    def _action(self) -> tuple[CampaignAction, str, str]:
        """Choose the main button: what it does, says, and opens."""
        visit, words = self.visit, self.words
        if not visit.is_open and not visit.is_early:
            return CampaignAction.NONE, "", ""
        action = CampaignAction.REMIND if visit.is_early else CampaignAction.OPEN
        if not visit.leads_to_checkout:
            return action, words.say("c_remind" if visit.is_early else "c_open_app"), ""
        price = self._from(self.offer.main.now)
        text = words.say("c_remind") if visit.is_early else words.say("c_open", price=price)
        return action, text, f"{visit.path}/open"

    def _why(self) -> str:
        """Say what is paid by whoever opens a team, and what for."""
        mode = self.campaign.terms.rules.payment_mode
        pay = self.words.say(f"pay_{mode}", price=self._from(self.offer.main.now))
        return f"{self.words.say('first_line_alone', pay=pay)} {self.words.say('c_open_why')}"
