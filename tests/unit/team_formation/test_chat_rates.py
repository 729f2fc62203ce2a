"""How many cards in chats may be changed at once: a service's rate over any while, and a burst after a rest."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.team_formation.chats.rates import RATES, Rate
from services.team_formation.hooks.reading.incoming import Way

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RATE = Rate(timedelta(seconds=3), timedelta(seconds=2), 4)


def test_after_a_rest_there_is_room_for_a_burst_and_then_one_at_a_time() -> None:
    assert RATE.room(NOW - timedelta(hours=1), NOW) == 4
    free_at = RATE.free_at(NOW - timedelta(hours=1), NOW, 4)
    assert free_at == NOW
    assert RATE.room(free_at, NOW + timedelta(seconds=1.9)) == 0
    assert RATE.room(free_at, NOW + timedelta(seconds=2)) == 1


def test_while_a_service_rests_there_is_no_room() -> None:
    assert RATE.room(NOW + timedelta(minutes=5), NOW) == 0


@given(st.lists(st.integers(min_value=0, max_value=20_000), max_size=60))
def test_no_while_has_more_changes_than_the_rate_and_a_burst(steps: list[int]) -> None:
    free_at, now, made = NOW - timedelta(days=1), NOW, list[datetime]()
    for step in steps:
        now += timedelta(milliseconds=step)
        room = RATE.room(free_at, now)
        free_at = RATE.free_at(free_at, now, room)
        made += [now] * room
    for at, begin in enumerate(made):
        for count, end in enumerate(made[at:], 1):
            assert count <= RATE.burst + (end - begin) / RATE.of_app


def test_every_rate_keeps_below_what_its_service_allows_in_a_minute() -> None:
    a_minute = timedelta(minutes=1)
    allowed = {"slack_unfurl": 50, "slack_channel": 50, "telegram": 1800, "feishu_preview": 300, "feishu_message": 1000}
    made = {str(way): rate.burst + a_minute / rate.of_app for way, rate in RATES.items()}
    assert all(made[way] <= most for way, most in allowed.items())
    assert RATES.keys() - allowed.keys() == {"discord"}


def test_cards_of_one_group_keep_below_what_telegram_takes_there_in_a_minute() -> None:
    assert timedelta(minutes=1) / RATES[Way.TELEGRAM].in_chat + 1 < 20
    assert [way for way, rate in RATES.items() if rate.in_chat] == [Way.TELEGRAM]
