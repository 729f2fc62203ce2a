"""Live demand: what tallies say changed in each window of time, and the rates and the forecast that follow.

A tally carries totals since the start, so what happened between two of them is their difference; one that was missed is
made up for by the next. Nothing that is charged rests on any of this.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from functools import reduce

MINUTE = 60
QUARTER = 15 * MINUTE
DAY = 86_400
MINUTES_KEPT = 15
QUARTERS_KEPT = DAY // QUARTER
SMOOTHING = 0.25
"""The weight of the newest whole minute; the one before it weighs three quarters of that, and so on."""


@dataclass(frozen=True, slots=True)
class CampaignTotals:
    """What a tally says; counts since the start, but for the three that are of now."""

    teams_opened: int = 0
    teams_formed: int = 0
    teams_failed: int = 0
    teams_cancelled: int = 0
    seats_held: int = 0
    seats_confirmed: int = 0
    seats_left: int = 0
    seats_expired: int = 0
    units_held_now: int = 0
    units_confirmed_now: int = 0
    members_confirmed_now: int = 0
    units_confirmed: int = 0
    units_left: int = 0
    units_of_fill: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """What changed in one window; `number` counts windows of its length since 1970."""

    number: int
    joins: int = 0
    confirms: int = 0
    leaves: int = 0
    net_units: int = 0
    """How the units that fill changed: seats that go from a team that has formed do not count."""

    def plus(self, other: "Window") -> "Window":
        """Add what changed in another part of the same window."""
        return Window(self.number, *map(sum, zip(astuple(self)[1:], astuple(other)[1:], strict=True)))


@dataclass(frozen=True, slots=True)
class CampaignDemand:
    """All that is kept of a campaign: the last tally and two rings of windows, oldest first, without empty ones."""

    sequence: int = 0
    at: datetime | None = None
    totals: CampaignTotals = CampaignTotals()
    minutes: tuple[Window, ...] = ()
    quarters: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """What happens per minute over a span, in seconds, that ends now."""

    span: int
    joins: float
    confirms: float
    leaves: float


def count(demand: CampaignDemand, sequence: int, at: datetime, totals: CampaignTotals) -> CampaignDemand:
    """Follow a tally; a repeat or an older one changes nothing.

    The first tally that is seen, when it is not the campaign's first, is a base: when its counts happened is not known.
    """
    if sequence <= demand.sequence:
        return demand
    known = demand.sequence > 0 or sequence == 1
    changed = _changed(demand.totals, totals) if known else Window(0)
    return CampaignDemand(
        sequence,
        at,
        totals,
        _entered(demand.minutes, changed, _number(at, MINUTE), MINUTES_KEPT),
        _entered(demand.quarters, changed, _number(at, QUARTER), QUARTERS_KEPT),
    )


def _changed(before: CampaignTotals, after: CampaignTotals) -> Window:
    return Window(
        0,
        after.seats_held - before.seats_held,
        after.seats_confirmed - before.seats_confirmed,
        after.seats_left + after.seats_expired - before.seats_left - before.seats_expired,
        after.units_of_fill - before.units_of_fill,
    )


def _entered(ring: tuple[Window, ...], changed: Window, number: int, kept: int) -> tuple[Window, ...]:
    """Enter a change in the newest window of a ring, and let go of what is too old."""
    newest = max(number, ring[-1].number) if ring else number  # a clock that went back opens no older window
    recent = tuple(window for window in ring if window.number > newest - kept)
    if not any(astuple(changed)[1:]):
        return recent
    if recent and recent[-1].number == newest:
        return (*recent[:-1], recent[-1].plus(changed))
    return (*recent, Window(newest).plus(changed))


def _number(at: datetime, length: int) -> int:
    return int(at.timestamp()) // length


def rates(demand: CampaignDemand, now: datetime) -> tuple[Rate, Rate, Rate]:
    """Give the rates over the last minute, the last 15 and the last day.

    The last minute is the last whole one; the others end with the window that is under way.
    """
    minute, quarter = _number(now, MINUTE), _number(now, QUARTER)
    last = [window for window in demand.minutes if window.number == minute - 1]
    recent = [window for window in demand.minutes if minute - MINUTES_KEPT < window.number <= minute]
    day = [window for window in demand.quarters if quarter - QUARTERS_KEPT < window.number <= quarter]
    return _rate(MINUTE, last), _rate(QUARTER, recent), _rate(DAY, day)


def _rate(span: int, windows: Iterable[Window]) -> Rate:
    total = reduce(Window.plus, windows, Window(0))
    minutes = span / MINUTE
    return Rate(span, total.joins / minutes, total.confirms / minutes, total.leaves / minutes)


def units_per_minute(demand: CampaignDemand, now: datetime) -> float:
    """Smooth the net units of the last whole minutes: s = a * x + (1 - a) * s, from the oldest on, beginning with 0.

    Simple exponential smoothing: R. G. Brown, Exponential Smoothing for Predicting Demand, 1956; C. C. Holt,
    Forecasting seasonals and trends by exponentially weighted moving averages, 1957, reprinted in International
    Journal of Forecasting 20 (2004), pages 5 to 10.
    """
    minute = _number(now, MINUTE)
    units = {window.number: window.net_units for window in demand.minutes}
    smoothed = 0.0
    for number in range(minute - MINUTES_KEPT + 1, minute):
        smoothed = SMOOTHING * units.get(number, 0) + (1 - SMOOTHING) * smoothed
    return smoothed


def seconds_to(missing_units: int, rate: float) -> float | None:
    """Tell how long so many units take at a rate per minute; None where they do not come."""
    if missing_units <= 0:
        return None
    return MINUTE * missing_units / rate if rate > 0 else None


def formed_share(totals: CampaignTotals) -> float | None:
    """Tell which share of the teams that formed or failed formed; None while there are none."""
    ended = totals.teams_formed + totals.teams_failed
    return totals.teams_formed / ended if ended else None


TOTALS = tuple(field.name for field in fields(CampaignTotals))
"""The names of the totals, in order."""
