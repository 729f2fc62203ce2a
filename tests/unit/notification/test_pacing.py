"""Turns: no more a second than a service takes, whatever was waited for meanwhile."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.notification.pacing import Turns, is_far

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCOUNT = (UUID(int=1), "chat")


def ready(turns: Turns, waiting: set[int], now: datetime) -> set[int]:
    """Ask for each that waits; those whose turn is near are sent."""
    return {one for one in sorted(waiting) if not is_far(turns.take(ACCOUNT, UUID(int=one), 30, now), now)}


def test_turns_that_were_missed_while_an_account_rested_are_given_anew() -> None:
    turns, waiting = Turns(), set(range(900))
    waiting -= ready(turns, waiting, NOW)
    rested = NOW + timedelta(seconds=31)
    turns.forget(rested)
    sent = ready(turns, waiting, rested)
    assert len(sent) <= 62


def test_everyone_has_a_turn_in_the_end() -> None:
    turns, waiting, now = Turns(), set(range(200)), NOW
    for _ in range(20):
        waiting -= ready(turns, waiting, now)
        now += timedelta(seconds=1)
        turns.forget(now)
    assert not waiting
