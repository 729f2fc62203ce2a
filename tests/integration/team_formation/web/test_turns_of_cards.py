"""Cards in chats take turns: at the services' rates, of an app and of a chat, and nobody waits for somebody else's."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.living import LEASE, PER_LANE, REST
from services.team_formation.chats.rates import RATES
from services.team_formation.hooks.reading.incoming import Way
from tests.support.followed_cards import Stage, in_telegram, stage
from tests.support.until import until

__all__ = ["stage"]


async def test_a_service_that_asks_for_time_gets_it_and_then_what_is_true_by_then(stage: Stage) -> None:
    cards = [str(number) for number in range(PER_LANE + 4)]
    for at in cards:
        await stage.share(at)
    await stage.later(timedelta(minutes=1))
    stage.slack.ends = [Outcome(End.RETRY, "HTTP 429", timedelta(seconds=30), whole_account=True)] * len(cards)
    await stage.on.confirm(stage.seat)
    for _ in range(5):
        await stage.later(timedelta(seconds=4))
    tried = sum(stage.slack.changes(at) for at in cards)
    assert 1 <= tried <= PER_LANE  # those on their way; then all of the app waits
    stage.slack.ends = []
    await stage.fill()
    await stage.later(timedelta(seconds=60))
    for _ in range(4):
        await stage.later()
    assert all("You pay €29.90" in stage.slack.shown[at].lines[1] for at in cards)
    assert sum(stage.slack.changes(at) for at in cards) == tried + len(cards)


async def test_a_limit_of_one_chat_keeps_no_other_waiting(stage: Stage) -> None:
    cards = [str(number) for number in range(PER_LANE + 4)]  # more than are on their way at once
    for at in cards:
        await stage.share(at)
    await stage.later(timedelta(minutes=1))
    stage.slack.ends = [Outcome(End.RETRY, "of a group", timedelta(seconds=300))]

    def changed() -> int:
        return sum("You pay €34.90" in card.lines[1] for card in stage.slack.shown.values())

    await stage.on.confirm(stage.seat)
    for _ in range(10):
        await stage.later()
    assert changed() == len(cards) - 1
    await stage.later(timedelta(seconds=240))
    assert sum(stage.slack.changes(at) for at in cards) == len(cards)  # it waits as long as it was asked to
    await stage.later(timedelta(seconds=60))
    await stage.later()
    assert changed() == len(cards)


async def test_cards_of_one_group_keep_its_limit_together_and_others_do_not_wait(stage: Stage) -> None:
    await in_telegram(stage, {str(at): "-100" for at in range(1, 13)} | {"100": "-200"})
    sent = moments_of(stage)
    begin = stage.clock.now()
    await stage.on.confirm(stage.seat)
    for _ in range(70):
        stage.clock.move(timedelta(seconds=1))
        await turns_taken(stage)
    group = [at for at, message in sent if message != "100"]
    assert len(group) == 12
    for first, next_one in pairwise(group):
        assert next_one - first >= timedelta(seconds=4)
    [other] = [at for at, message in sent if message == "100"]
    assert other - begin < timedelta(seconds=4)
    assert group[-1] - begin < timedelta(seconds=60)


async def test_a_group_that_is_slowed_waits_with_all_its_cards(stage: Stage) -> None:
    await in_telegram(stage, {"1": "-100", "2": "-100", "3": "-100", "100": "-200"})
    sent = moments_of(stage)
    begin = stage.clock.now()
    stage.slack.ends_in["-100"] = [Outcome(End.RETRY, "429", timedelta(seconds=40))]
    await stage.on.confirm(stage.seat)
    for _ in range(60):
        stage.clock.move(timedelta(seconds=1))
        await turns_taken(stage)
    group = [at for at, message in sent if message != "100"]
    assert len(group) == 4
    assert group[1] - group[0] >= timedelta(seconds=40)
    [other] = [at for at, message in sent if message == "100"]
    assert other - begin < timedelta(seconds=4)


async def turns_taken(stage: Stage) -> None:
    """Wait until what is known of is changed, or has a later turn; nothing is on its way then."""
    await stage.at_rest()

    async def nothing() -> bool:
        now = stage.clock.now()
        return not await stage.on.rows(
            "SELECT 1 FROM chat_previews WHERE wants AND (due_at <= %s OR next_at > %s)",
            now,
            now + LEASE - timedelta(seconds=5),  # a claim of a moment ago
        )

    await until(nothing)


def moments_of(stage: Stage) -> list[tuple[datetime, str]]:
    """Note from now on when which message of a bot is changed."""
    sent: list[tuple[datetime, str]] = []

    def note(values: Mapping[str, str]) -> None:
        sent.append((stage.clock.now(), values["edits"]))

    stage.slack.slow = note
    return sent


async def test_an_account_that_is_wrong_is_tried_seldom(stage: Stage) -> None:
    await stage.share()
    other = await stage.app("other")
    await stage.share("2", path=other)
    stage.slack.ends = [Outcome(End.MISCONFIGURED, "token_revoked")]
    await stage.on.confirm(stage.seat)
    for _ in range(10):
        await stage.later(timedelta(seconds=10))
    assert sorted([stage.slack.changes(), stage.slack.changes("2")]) == [1, 1]
    assert sum("You pay €34.90" in card.lines[1] for card in stage.slack.shown.values()) == 1
    await stage.later(REST)
    await stage.later()
    assert all("You pay €34.90" in card.lines[1] for card in stage.slack.shown.values())


async def test_a_service_that_is_slow_keeps_no_other_waiting(stage: Stage) -> None:
    other = await stage.app("quick")
    for number in range(PER_LANE + 4):
        await stage.share(f"slow{number}")
    await stage.share("quick", path=other)
    release = asyncio.Event()
    stage.slack.slow = lambda values: release if values["ts"].startswith("slow") else None
    await stage.on.confirm(stage.seat)
    stage.clock.move(timedelta(seconds=20))  # time enough for all of them, by the rate
    await until(lambda: stage.slack.changes("quick") == 1)
    flying = sum(stage.slack.changes(f"slow{number}") for number in range(PER_LANE + 4))
    assert flying <= PER_LANE
    release.set()
    for _ in range(5):
        await stage.later()
    assert all("You pay €34.90" in card.lines[1] for card in stage.slack.shown.values())


async def test_the_rate_of_an_app_is_kept_by_all_its_cards(stage: Stage) -> None:
    rate = RATES[Way.SLACK_UNFURL]
    for number in range(rate.burst + 3):
        await stage.share(str(number))
    await stage.later(timedelta(minutes=1))
    before = len(stage.slack.calls)
    await stage.on.confirm(stage.seat)

    async def waiting() -> bool:
        return await stage.on.rows("SELECT count(*) FROM chat_previews WHERE wants") == [(3,)]

    await until(lambda: len(stage.slack.calls) == before + rate.burst)
    await until(waiting)
    stage.clock.move(rate.of_app)
    await until(lambda: len(stage.slack.calls) == before + rate.burst + 1)
    stage.clock.move(2 * rate.of_app)
    await until(lambda: len(stage.slack.calls) == before + rate.burst + 3)
