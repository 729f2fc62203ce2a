"""Says in one line what a published event did to a seat or its team.

What a buyer must not see is left out for one: payment references, other members, what the platform notes for itself.
"""

from collections.abc import Callable
from typing import Any

from deploy.story.words import amount, at, units, word


def happened(event: Any, seat: Any, *, buyer: bool) -> str:
    """Say what an event of a seat's team did; `seat` is the seat as it stands now.

    A fact that has no words here is told by its name, one of a newer engine by its number in the team's events.
    """
    name = event.WhichOneof("fact")
    if name not in WORDS:
        return (name or f"something that this version does not know, as version {event.sequence}").replace("_", " ")
    return WORDS[name](getattr(event, name), seat, buyer)


def _opened(fact: Any, _seat: Any, buyer: bool) -> str:  # noqa: FBT001 - one signature for all
    by = "" if buyer else f" by {fact.opener_member_id}"
    return f"the team was opened{by}, to end by {at(fact.ends_at)}"


def _held(fact: Any, _seat: Any, buyer: bool) -> str:  # noqa: FBT001
    seat = fact.seat
    came = " from the waitlist" if fact.from_waitlist else ""
    invite = f", by invite {seat.invite_id}" if seat.invite_id and not buyer else ""
    return (
        f"held{came} for {units(seat.quantity)} of {seat.sku} as {word(seat, 'role')} until {at(seat.hold_until)}"
        f"{invite}; cap {amount(seat.cap)}, read at fill {seat.cap_fill}"
    )


def _confirmed(fact: Any, _seat: Any, buyer: bool) -> str:  # noqa: FBT001
    reference = f", reference {fact.payment_reference}" if fact.payment_reference and not buyer else ""
    late = " after its hold had run out" if fact.after_expiry else ""
    if fact.from_waitlist:
        late = f" from the waitlist for a place that was not paid, at the final price of fill {fact.seat.cap_fill}"
    return f"confirmed{late} with {amount(fact.amount)}{reference}"


def _released(fact: Any, _seat: Any, _buyer: bool) -> str:  # noqa: FBT001
    return f"given back ({word(fact.seat, 'release_reason')}); it was {word(fact, 'previous_state')}"


def _late(fact: Any, _seat: Any, buyer: bool) -> str:  # noqa: FBT001
    reference = "" if buyer else f", reference {fact.payment_reference}"
    return f"money came that goes back: {amount(fact.amount)}{reference}"


def _reduced(fact: Any, _seat: Any, _buyer: bool) -> str:  # noqa: FBT001
    return f"{units(fact.units)} given back, {fact.seat.quantity} kept"


def _extended(fact: Any, _seat: Any, _buyer: bool) -> str:  # noqa: FBT001
    return f"the hold was extended to {at(fact.seat.hold_until)}"


def _defaulted(fact: Any, _seat: Any, buyer: bool) -> str:  # noqa: FBT001
    return "the money did not come: the seat has no place any more" + _why(fact.reason, buyer)


def _led(fact: Any, seat: Any, _buyer: bool) -> str:  # noqa: FBT001
    return "leads the team from now on" if fact.seat.seat_id == seat.seat_id else "leads the team no longer"


def _cancelled(fact: Any, _seat: Any, buyer: bool) -> str:  # noqa: FBT001
    return "the team was cancelled" + _why(fact.reason, buyer)


def _why(reason: str, buyer: bool) -> str:  # noqa: FBT001
    return f' ("{reason}")' if reason and not buyer else ""


def _plainly(text: str) -> Callable[[Any, Any, bool], str]:
    return lambda _fact, _seat, _buyer: text


WORDS: dict[str, Callable[[Any, Any, bool], str]] = {
    "team_opened": _opened,
    "seat_held": _held,
    "seat_confirmed": _confirmed,
    "seat_released": _released,
    "team_tipped": _plainly("the team reached its minimum"),
    "team_untipped": _plainly("the team fell below its minimum"),
    "team_formed": _plainly("the team formed: prices are final"),
    "team_failed": _plainly("the team ended below its minimum"),
    "late_payment_reported": _late,
    "seat_waitlisted": lambda fact, _seat, _buyer: f"waits for room for {units(fact.seat.quantity)} of {fact.seat.sku}",
    "seat_reduced": _reduced,
    "hold_extended": _extended,
    "seat_defaulted": _defaulted,
    "seat_sponsored": _plainly("sponsored by the platform, to complete the team"),
    "leader_changed": _led,
    "team_cancelled": _cancelled,
    "team_rescheduled": lambda fact, _seat, _buyer: f"the team's end moved to {at(fact.ends_at)}",
}
"""By the name of the fact: what it did, said of the fact, the seat now, and whether a buyer reads it."""
