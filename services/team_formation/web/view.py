"""An invite page in words: everything that it says, in one language; the HTML and the JSON are made from it.

It is a function of the code, what is stored and the language, never of the time at which it is made: the same for all
who look, until something changes.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

from services.chassis import formats
from services.team_formation.domain import (
    Campaign,
    CountedIn,
    PaymentMode,
    Team,
    TeamState,
    Terms,
)
from services.team_formation.sharing.channels import CHANNELS, ours
from services.team_formation.sharing.links import ShareLink, make
from services.team_formation.sharing.values import shared
from services.team_formation.web.offer import ItemOffer, Offer, Step, offer_of
from services.team_formation.web.photos import Photo, photo_of
from services.team_formation.web.picture import Shape
from services.team_formation.web.previews import picture_url
from services.team_formation.web.visits import Action, Standing, Visit
from services.team_formation.web.wording import (
    alone_text,
    channel_name,
    charge_lines,
    ended_title,
    ending,
    of_basis,
    percent_text,
    saving_text,
    seats_text,
    step_label,
    text_of,
)
from services.team_formation.web.words import Words


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step of the ladder in words."""

    threshold: int
    unit_price: int
    label: str
    price: str
    how: str
    is_reached: bool
    is_current: bool
    is_yours: bool
    mark: str
    """What is said of it: reached, now, with you; empty ahead."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to share the link."""

    channel: str
    name: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item in words."""

    sku: str
    price: str
    alone: str
    """What it costs alone, or that it is sold out."""
    join: str
    """Where joining with it begins, behind the page's path; empty where that is not possible."""
    join_text: str


@dataclass(frozen=True, slots=True)
class Price:
    """The main item's price; amounts in minor units, per unit."""

    sku: str
    now: int
    next: int | None
    missing: int
    alone: int
    alone_kind: str
    lowest: int
    lowest_at: int
    text: str
    alone_text: str
    saving: str


@dataclass(frozen=True, slots=True)
class Seats:
    """What fills the team, in `counted_in`."""

    counted_in: str
    confirmed: int
    held: int
    sponsored: int
    room: int
    minimum: int
    maximum: int
    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """All that an invite page says."""

    code: str
    link: str
    picture: str
    """The address of the preview picture, 1200 x 630."""
    square: str
    """The same in a square, for cards with a small picture."""
    photo: Photo | None
    """The picture of what is sold; None where there is none."""
    path: str
    """The link without its origin: the page's other addresses begin with it."""
    version: str
    language: str
    direction: str
    state: str
    payment_mode: str
    currency: str
    title: str
    title_language: str
    seller: str
    inviter: str
    note: str
    disclosure: str
    heading: str
    """What an ended team's page says first; empty while it is open."""
    line: str
    """The first line under the price."""
    detail: str
    """What becomes of a difference, or how an ended team ended."""
    certainty: str
    conditions: tuple[str, ...]
    """Who may join, where not everybody may; the shop's checkout knows who is who."""
    price: Price | None
    """None where the team ended without a price."""
    seats: Seats
    ladder: tuple[StepLine, ...]
    why: tuple[str, ...]
    items: tuple[ItemLine, ...]
    charges: tuple[str, ...]
    terms: str
    ends: str
    ends_at: datetime
    """When the team ends, at the latest."""
    action: Action
    action_text: str
    action_url: str
    alone_url: str
    alone_text: str
    share: tuple[Channel, ...]
    update: str
    """What a screen reader is told when the page changes."""


def view_of(visit: Visit, words: Words, title_language: str) -> View:
    """Say what an invite page says."""
    return _Writer(visit, words, title_language).write()


class _Writer:
    """Writes one view."""

    def __init__(self, visit: Visit, words: Words, title_language: str) -> None:
        self.visit = visit
        self.words = words
        self.path = urlsplit(visit.link).path
        self.team: Team = visit.shown.team
        self.terms: Terms = visit.shown.terms
        self.campaign: Campaign = visit.shown.campaign
        self.offer: Offer = offer_of(self.team, self.terms, self.campaign, visit.shown.sold_out)
        self.mode: PaymentMode = self.terms.rules.payment_mode
        self.by = ending(self.team.ends_at, self.campaign, words)
        self.text = text_of(self.campaign, title_language)

    def write(self) -> View:
        campaign, invite, words = self.campaign, self.visit.invite, self.words
        values = shared(
            invite,
            campaign,
            self.team,
            self.terms,
            link=self.visit.link,
            code=self.visit.code,
            language=self.words.language,
        )
        action, action_text, action_url = self._action()
        alone = self.team.state.is_open and bool(campaign.presentation.checkout_url)
        seats = self._seats()
        price = self._price()
        heading = ended_title(self.team.state, words)
        return View(
            code=self.visit.code,
            link=self.visit.link,
            picture=picture_url(self.visit, words, Shape.WIDE),
            square=picture_url(self.visit, words, Shape.SQUARE),
            photo=photo_of(self.visit.photo, self.visit.link.removesuffix(f"/i/{self.visit.code}")),
            path=self.path,
            version=self.visit.version,
            language=words.language,
            direction=words.direction,
            state=str(self.team.state),
            payment_mode=str(self.mode),
            currency=campaign.currency,
            title=self.text.title,
            title_language=self.text.language,
            seller=words.say("sold_by", seller=self._name(values.seller)),
            inviter=words.say("invites", label=self._name(values.label)) if values.label else words.say("invited"),
            note=values.note,
            disclosure=values.disclosure,
            heading=heading,
            line=self._line(),
            detail=self._detail(),
            certainty=self._certainty(),
            conditions=self._conditions(),
            price=price,
            seats=seats,
            ladder=tuple(self._step(step) for step in self.offer.ladder) if price else (),
            why=self._why() if price else (),
            items=self._items() if price else (),
            charges=charge_lines(campaign, words),
            terms=self.text.terms,
            ends=words.say("ends", by=self.by),
            ends_at=self.team.ends_at,
            action=action,
            action_text=action_text,
            action_url=action_url,
            alone_url=campaign.presentation.checkout_url if alone else "",
            alone_text=words.say("buy_alone", price=self._money(self.offer.main.alone)) if alone else "",
            share=tuple(self._channel(make(ours(name, words.language), values)) for name in CHANNELS),
            update=heading or words.say("update", seats=seats.text, price=price.text if price else ""),
        )

    def _channel(self, link: ShareLink) -> Channel:
        return Channel(link.channel, channel_name(link.channel, self.words), link.url, link.text)

    @property
    def is_full(self) -> bool:
        return self.visit.is_full

    def _name(self, text: str) -> str:
        """Keep a name of any direction apart from words written right to left."""
        return formats.isolated(text, self.words.locale)

    def _money(self, amount: int) -> str:
        return formats.money(amount, self.campaign.currency, self.words.locale)

    def _from(self, amount: int) -> str:
        text = self._money(amount)
        return self.words.say("price_from", price=text) if self.offer.is_from else text

    def _line(self) -> str:
        """Write what is paid, and what one more friend changes; of a full team, what its members pay."""
        words, main = self.words, self.offer.main
        if self.team.state is TeamState.FORMED:
            return words.say("formed", price=self._from(main.now))
        if not self.team.state.is_open:
            return words.say("failed" if self.team.state is TeamState.FAILED else "cancelled")
        if self.is_full:
            return words.say("first_line_full", price=self._from(self._standing_price()), by=self.by)
        if self.offer.is_from:
            return words.say("first_line_from", price=self._money(main.now))
        pay = words.say(f"pay_{self.mode}", price=self._money(main.now))
        if main.next_price is None:
            return words.say("first_line_alone", pay=pay)
        key = of_basis("then", self.offer.basis)
        then = words.count(key, main.missing, price=self._money(main.next_price), by=self.by)
        return words.say("first_line", pay=pay, then=then)

    def _standing_price(self) -> int:
        """Tell what a unit of the main item costs at the confirmed fill."""
        return next(step.unit_price for step in self.offer.ladder if step.is_current)

    def _detail(self) -> str:
        if self.team.state.is_open and self.mode.moves_money and self.offer.main.next_price is not None:
            return self.words.say(f"refund_{self.mode}")
        return ""

    def _certainty(self) -> str:
        if not self.team.state.is_open:
            return ""
        if self.campaign.suspension_reason:
            return self.words.say("suspended", reason=self._name(self.campaign.suspension_reason))
        if self.campaign.is_stopped:
            return self.words.say("paused")
        if not self.offer.needed:
            return self.words.say("certain")
        key = "needed_members" if self.offer.counted_in is CountedIn.MEMBERS else "needed_units"
        return self.words.count(key, self.offer.needed, **{"else": self.words.say(f"else_{self.mode}")})

    def _conditions(self) -> tuple[str, ...]:
        who, words = self.terms.rules.who_may_join, self.words
        if not self.team.state.is_open:
            return ()
        lines = []
        if who.newcomers_only:
            lines.append(words.say("who_newcomers"))
        elif who.old_brings_new:
            lines.append(words.say("who_brings"))
        if who.tags:
            lines.append(words.say("who_tags", tags=", ".join(self._name(tag) for tag in who.tags)))
        if who.match_key_needed and self.team.match_key:
            lines.append(words.say("who_key", choice=self._name(self.team.match_key)))
        return tuple(lines)

    def _price(self) -> Price | None:
        main = self.offer.main
        if self.team.state in {TeamState.FAILED, TeamState.CANCELLED}:
            return None
        now = self._standing_price() if self.is_full else main.now
        return Price(
            sku=main.sku,
            now=now,
            next=main.next_price,
            missing=main.missing,
            alone=main.alone,
            alone_kind=str(main.alone_kind or ""),
            lowest=main.lowest,
            lowest_at=main.lowest_at,
            text=self._from(now),
            alone_text=alone_text(main, self.campaign.currency, self.words) if main.alone > now else "",
            saving=saving_text(now, main.alone, self.words),
        )

    def _seats(self) -> Seats:
        offer, words = self.offer, self.words
        notes = []
        if self.team.state.is_open and offer.held and not self.is_full:
            notes.append(words.count("held", offer.held))
        if offer.sponsored:
            notes.append(words.count("sponsored", offer.sponsored))
        return Seats(
            counted_in=str(offer.counted_in),
            confirmed=offer.confirmed,
            held=offer.held,
            sponsored=offer.sponsored,
            room=offer.room,
            minimum=offer.minimum,
            maximum=offer.maximum,
            text=seats_text(offer, words),
            notes=(*notes, *self._fullness()),
        )

    def _fullness(self) -> list[str]:
        """Say of a full team how much is not paid, and when the next place may become free."""
        if not self.is_full:
            return []
        full = [self.words.say("full")]
        if not self.offer.held:
            return full
        held = self.words.count("full_held", self.offer.held)
        if self.team.due_at >= self.team.ends_at:
            return [*full, self.words.say("full_free_none", held=held)]
        by = ending(self.team.due_at, self.campaign, self.words)
        return [*full, self.words.say("full_free", held=held, by=by)]

    def _step(self, step: Step) -> StepLine:
        label = step_label(step, self.offer.basis, self.words)
        price = self._money(step.unit_price)
        return StepLine(
            step.threshold,
            step.unit_price,
            label,
            price,
            self._how(step),
            step.is_reached,
            step.is_current,
            yours := step.is_yours and not self.is_full,
            self._mark(step, yours=yours),
        )

    def _mark(self, step: Step, *, yours: bool) -> str:
        if step.is_current:
            return self.words.say("now_here")
        return self.words.say("with_you" if yours else "reached") if yours or step.is_reached else ""

    def _how(self, step: Step) -> str:
        """Say how a step's price comes from the price without a discount."""
        discount = step.discount
        if not step.tier:
            return self.words.say("how_list")
        if discount is None:
            return self.words.say("how_fixed_price")
        before = self._money(self.offer.ladder[0].unit_price)
        if discount.kind == "amount_off":
            return self.words.say("how_amount_off", list=before, off=self._money(discount.value))
        if discount.kind == "basis_points_off":
            percent = percent_text(discount.value, self.words)
            return self.words.say("how_basis_points_off", list=before, percent=percent)
        return self.words.say("how_fixed_price")

    def _why(self) -> tuple[str, ...]:
        """Explain the price from what is stored: what counts, each step, and the promise of the cap."""
        words, offer = self.words, self.offer
        steps = [self._step(step) for step in offer.ladder]
        lines = [words.say("why_step", **{"from": step.label, "price": step.price, "how": step.how}) for step in steps]
        return (words.count(of_basis("why", offer.basis), offer.fill), *lines, words.say("why_cap"))

    def _items(self) -> tuple[ItemLine, ...]:
        if len(self.offer.items) == 1:
            return ()
        joins = self.visit.action is Action.JOIN and self.visit.leads_to_checkout
        return tuple(self._item(item, joins=joins) for item in self.offer.items)

    def _item(self, item: ItemOffer, *, joins: bool) -> ItemLine:
        price, alone = self._money(item.now), self.words.say("alone", price=self._money(item.alone))
        if item.is_sold_out:
            return ItemLine(item.sku, price, self.words.say("c_sold_out_title"), "", "")
        query = f"/join?sku={quote(item.sku, safe='')}" if joins else ""
        return ItemLine(item.sku, price, alone, query, self.words.say("join", price=price) if joins else "")

    def _action(self) -> tuple[Action, str, str]:
        """Choose the main button: what it does, says, and opens."""
        words, action = self.words, self.visit.action
        if action is Action.NONE:
            if self.team.state.is_open and self.visit.shown.is_sold_out:
                return action, words.say("c_sold_out_title"), ""
            stands = self.visit.standing is Standing.GOOD or not self.team.state.is_open
            return action, "" if stands else words.say(self.visit.standing), ""
        if not self.visit.leads_to_checkout:
            return action, words.say("join_code", code=self.visit.code), ""
        texts = {Action.WAIT: "join_waitlist", Action.JOIN_OTHER: "join_other"}
        if action in texts:
            return action, words.say(texts[action]), f"{self.path}/join"
        if self.offer.is_from:
            return action, words.say("join_one"), ""
        return action, words.say("join", price=self._money(self.offer.main.now)), f"{self.path}/join"
