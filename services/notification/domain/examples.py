"""Example facts of every kind of message: what templates are tried with, so that each branch is seen."""

from collections.abc import Mapping
from datetime import UTC, datetime

from services.notification.domain.messages import (
    Brought,
    Card,
    EndMoved,
    Facts,
    GivenUp,
    HoldEnds,
    Joined,
    Joins,
    Kind,
    Leading,
    OneLeft,
    OneMissing,
    PriceMoved,
    Reduced,
    Refunded,
    Settled,
    Starts,
    TimeLeft,
    ToPay,
    Turned,
    Waiting,
)
from services.notification.domain.teams import CountedIn, Opened, PaymentMode, TeamState, Text

_UNTIL = datetime(2027, 3, 14, 18, 30, tzinfo=UTC)
_WAITING = (Waiting(1), Waiting(2))
_SETTLED = (Settled(1, 2490, 0, 0, 2490, 0, 1500), Settled(2, 2490, 0, 4980, 0, 3000, 0))
_NOTHING_BOUGHT = (Settled(1, 0, 0, 0, 0, 0, 3990), Settled(2, 0, 0, 0, 0, 7980, 0), Settled(1, 0, 0, 0, 0, 0, 0))
_SEATS = (Joined(1, 3990, _UNTIL), Joined(3, 3990, _UNTIL))
_CARDS = tuple(
    Card(
        state,
        joined,
        missing,
        8 - joined,
        _UNTIL,
        "https://shop.example/i/Mango4711",
        "https://shop.example/stop?token=x",
        now=3490 if missing else 2990,
        several=state is TeamState.TIPPED,
        best=1990,
    )
    for state, joined, missing in (
        (TeamState.FORMING, 1, 3),
        (TeamState.TIPPED, 4, 0),
        (TeamState.FORMED, 5, 0),
        (TeamState.FAILED, 2, 0),
        (TeamState.CANCELLED, 4, 0),
    )
)

EXAMPLES: Mapping[Kind, tuple[Facts, ...]] = {
    Kind.JOINED: _SEATS,
    Kind.PRICE_FELL: (
        PriceMoved(1, 3990, 3490, 2990, 1, 3990),
        PriceMoved(2, 3490, 2990, 2490, 12, 3990, of_campaign=True),
        PriceMoved(1, 2990, 2490, 2490, 0, 3990),
    ),
    Kind.PRICE_ROSE: (
        PriceMoved(1, 2990, 3490, 2990, 1, 3490),
        PriceMoved(2, 2990, 3490, 2990, 12, 3490, of_campaign=True),
    ),
    Kind.ONE_MISSING: (OneMissing(1, 2990, 2490, 3490), OneMissing(2, 2990, 2490, 3490)),
    Kind.TIPPED: (Turned(1, 3490, 0, 0), Turned(2, 3490, 0, 3)),
    Kind.UNTIPPED: (Turned(1, 3490, 1, 0), Turned(2, 3490, 3, 0)),
    Kind.FORMED: (*_SETTLED, Settled(1, 2490, 2490, 0, 0, 0, 0, 2, _UNTIL), Settled(1, 2490, 2490, 0, 0, 0, 0)),
    Kind.FAILED: _NOTHING_BOUGHT,
    Kind.LEFT: _NOTHING_BOUGHT,
    Kind.LATE_PAYMENT: _NOTHING_BOUGHT,
    Kind.WAITLISTED: _WAITING,
    Kind.SEAT_FREE: _SEATS,
    Kind.PRICED_OUT: _WAITING,
    Kind.WAITED_IN_VAIN: _WAITING,
    Kind.REDUCED: (Reduced(2, 1, 3490, paid=True), Reduced(1, 2, 0, paid=False)),
    Kind.WITHDRAWN: (GivenUp(1, paid=True), GivenUp(2, paid=False)),
    Kind.DEFAULTED: (GivenUp(1, paid=False), GivenUp(2, paid=False)),
    Kind.LEADING: (Leading(1, 3490, 500), Leading(1, 3490, 0)),
    Kind.CANCELLED: (GivenUp(1, paid=True, reason="The harvest was lost."), GivenUp(2, paid=False, waiting=True)),
    Kind.RESCHEDULED: (EndMoved(1, _UNTIL),),
    Kind.SOMEONE_JOINED: (Joins(1), Joins(12)),
    Kind.TIME_RUNNING_OUT: (TimeLeft(_UNTIL, 2), TimeLeft(_UNTIL, 0)),
    Kind.ONE_SEAT_LEFT: (OneLeft(_UNTIL),),
    Kind.NUDGE: (TimeLeft(_UNTIL, 2), TimeLeft(_UNTIL, 0)),
    Kind.PROMOTER_DAILY: (Brought(12, 1), Brought(1, 0), Brought(0, 2)),
    Kind.REMINDER: (Starts(_UNTIL),),
    Kind.GROUP_CARD: _CARDS,
    Kind.GROUP_ON: _CARDS[1:2],
    Kind.GROUP_ENDED: _CARDS[2:],
    Kind.HOLD_ENDING: (HoldEnds(1, _UNTIL), HoldEnds(2, _UNTIL)),
    Kind.REFUND_DONE: (Refunded(1500),),
    Kind.PAYMENT_CHANGED: (
        Settled(-1, 2490, 0, 0, -2490, 0, 2490),
        Settled(-1, 2490, -2490, 0, 0, 2490, 0),
        Settled(1, 2490, 2490, 0, 0, 0, 0),
    ),
    Kind.PAYMENT_DUE: (ToPay(4980, _UNTIL),),
}

EXAMPLE_TEAM = Opened(
    texts=(
        Text("en", "Mangoes, 5 kg"),
        Text("zh-Hans", "芒果 5公斤"),
        Text("es", "Mangos, 5 kg"),
        Text("ar", "مانجو 5 كغ"),
    ),
    seller="Orchard",
    checkout_url="https://shop.example/checkout/4711",
    time_zone="Asia/Shanghai",
    payment_mode=PaymentMode.PREPAID,
    counted_in=CountedIn.MEMBERS,
    minimum=4,
    currency="EUR",
    ends_at=datetime(2027, 3, 15, 18, 30, tzinfo=UTC),
)
