"""What a member can do about a message: where its button leads."""

import re
from enum import StrEnum

from services.notification.domain.messages import Card, Facts, Kind, Settled
from services.notification.domain.teams import Opened, PaymentMode


class Action(StrEnum):
    """What a button does: at the shop's checkout, of a group's card at the team's link, or at the member's own page."""

    CONFIRM = "CONFIRM"
    PAY = "PAY"
    JOIN = "JOIN"
    PLACE = "PLACE"


_ACTIONS = {
    Kind.JOINED: Action.CONFIRM,
    Kind.SEAT_FREE: Action.CONFIRM,
    Kind.HOLD_ENDING: Action.CONFIRM,
    Kind.PAYMENT_DUE: Action.PAY,
}


def action_of(kind: Kind, facts: Facts, opened: Opened) -> Action | None:
    """Tell what there is to do; None where nothing is, or the campaign names no checkout."""
    if isinstance(facts, Card):
        return None if facts.state.has_ended else Action.JOIN
    if not opened.checkout_url:
        return None
    at_the_door = opened.payment_mode is PaymentMode.PAY_ON_DELIVERY
    if kind is Kind.FORMED and isinstance(facts, Settled) and facts.due > 0 and not at_the_door:
        return Action.PAY
    return _ACTIONS.get(kind)


def link_of(facts: Facts, opened: Opened) -> str:
    """Tell where a message's button leads, if it has one."""
    return facts.link if isinstance(facts, Card) else opened.checkout_url


def with_link(body: str, label: str, link: str) -> str:
    """Have a text end with its link, unless it names it already: not every channel has buttons."""
    named = link and re.search(f"{re.escape(link)}(?![A-Za-z0-9/?#=&%_-])", body)
    return body if not link or named else f"{body}{_line(label, link)}"


def without_link(body: str, label: str, link: str) -> str:
    """Take the last line with the link away again, for a channel that shows a button."""
    return body.removesuffix(_line(label, link)) if link else body


def _line(label: str, link: str) -> str:
    return f"{label}: {link}\n"
