"""Tells metrics what a service's database says of work that time brings; a timer asks now and then, no call does."""

from collections.abc import Mapping
from datetime import UTC, datetime

from services.chassis import metrics

EVERY_SECONDS = 15.0
MOST_COUNTED = 100_000
"""So many rows of a kind are counted: what is asked for costs no more, however much waits."""


def tell_overdue(oldest: Mapping[str, datetime | None]) -> None:
    """Tell since when the oldest work of each timer has been due, by the machine's time; None where none is.

    Work of a platform whose clock is ahead is due by that clock, later than now: it counts as not overdue.
    """
    now = datetime.now(UTC)
    for timer, due_at in oldest.items():
        metrics.OVERDUE.labels(timer).set(max((now - due_at).total_seconds(), 0) if due_at else 0)
