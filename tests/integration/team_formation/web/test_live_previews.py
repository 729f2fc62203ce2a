"""Cards in chats follow their teams: at the services' rate, once for all replicas, to the end, at no cost at rest."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from services.chassis.clock import ManualClock
from services.chassis.sealing import Sealer
from services.team_formation import domain
from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.cards import Card
from services.team_formation.chats.finding import Found
from services.team_formation.chats.living import LEASE, PER_LANE, REST
from services.team_formation.chats.noting import KNOWN_FOR, Answered
from services.team_formation.chats.rates import RATES
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import Said
from services.team_formation.web.wiring import Chats, ToChats
from tests.support.formation import PLATFORM, Formation
from tests.support.hearing import Strangers
from tests.support.hook_calls import CODE, STYLES, Style
from tests.support.partitioned import recorded
from tests.support.until import until
from tests.support.web import Visitor, a_shown_campaign, a_web_edge, an_invite

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SEALER = "one:" + "A" * 43 + "="
APART = RATES[Way.SLACK_UNFURL].apart


@dataclass
class Slack:
    """The chats as people see them, behind notification; it ends attempts as it is told."""

    shown: dict[str, Card] = field(default_factory=dict)
    """What stands where, by the ts of the message."""
    calls: list[tuple[str, Card | None]] = field(default_factory=list)
    ends: list[Outcome] = field(default_factory=list)
    ends_in: dict[str, list[Outcome]] = field(default_factory=dict)
    """Of attempts in some chats of Telegram alone."""
    slow: Callable[[Mapping[str, str]], asyncio.Event | None] = lambda _values: None

    async def give(self, _platform: UUID, reply: Reply, found: Found) -> Outcome:
        """Take an answer, or another one in its place."""
        at, card = (
            reply.values.get("ts") or reply.values.get("preview_token") or reply.values.get("edits", ""),
            found.cards[0] if found.cards else None,
        )
        self.calls.append((at, card))
        if wait := self.slow(reply.values):
            await wait.wait()
        ends = self.ends_in.get(reply.values.get("chat_id", ""), self.ends)
        outcome = ends.pop(0) if ends else Outcome(End.SENT)
        if reply.way is Way.TELEGRAM:
            return outcome
        if outcome.end is not End.SENT or card is None:
            return outcome
        self.shown[at] = card
        place = Reply(reply.way, {name: reply.values[name] for name in ("channel", "ts")})
        return replace(outcome, place=place)

    def changes(self, at: str = "1") -> int:
        """Count the changes of what stands somewhere, without the first answer."""
        return len([ts for ts, _ in self.calls if ts == at]) - 1


@dataclass
class Stage:
    """A platform with a Slack app, and a team whose link was shared."""

    visitor: Visitor
    slack: Slack
    on: Formation
    clock: ManualClock
    path: str
    campaign: domain.Campaign
    team_id: str
    seat: Any
    code: str

    @property
    def chats(self) -> Chats:
        """What serves chats."""
        assert self.visitor.web.chats
        return self.visitor.web.chats

    async def cards(self, incoming: Incoming) -> tuple[Card, ...]:
        """The cards of what somebody wrote, as they are now."""
        return await self.chats.finder.cards(PLATFORM, incoming)

    async def share(self, ts: str = "1", code: str = "", path: str = "") -> None:
        """Share a link in a message, and wait until its card is there and followed."""
        before = len(await self.followed())
        link = self.on.codes.url(code or self.code)
        event = {"type": "link_shared", "channel": "C1", "message_ts": ts, "links": [{"url": link}]}
        body = json.dumps({"type": "event_callback", "event_id": f"{path}{ts}", "event": event}).encode()
        stamp = str(int(self.clock.now().timestamp()))
        proof = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={proof}"}
        headers["content-type"] = "application/json"
        url = self.visitor.origin + (path or self.path)
        async with self.visitor.session.post(url, data=body, headers=headers) as answer:
            assert answer.status == 200

        async def is_followed() -> bool:
            return len(await self.followed()) > before

        await until(is_followed)
        await self.at_rest()

    async def followed(self) -> list[tuple[Any, ...]]:
        """The cards that are followed."""
        return await self.on.rows("SELECT version, wants, is_moved, due_at, failures FROM chat_previews")

    async def at_rest(self) -> None:
        """Wait until every change is heard, and nothing is left that could be done at this time."""

        async def nothing() -> bool:
            now = self.clock.now()
            return not await self.on.rows(
                "SELECT 1 FROM chat_previews AS p JOIN teams AS t USING (campaign_id, team_id)"
                " JOIN chat_paces AS o USING (app_id, way)"
                " WHERE o.chat = 0 AND ((p.version < t.version AND NOT p.is_moved AND NOT p.wants)"  # not heard
                " OR (p.due_at <= %s AND NOT p.wants) OR (p.due_at <= %s AND o.free_at <= %s)"
                " OR p.next_at = %s)",  # claimed
                now,
                now,
                now - timedelta(seconds=2),
                now + LEASE,
            )

        await until(nothing)

    async def later(self, by: timedelta = APART) -> None:
        """Let time pass, and what is due then be done."""
        await self.at_rest()
        self.clock.move(by)
        await self.at_rest()

    async def fill(self, members: int = 1, name: str = "tom") -> None:
        """Have members join, and pay."""
        for number in range(members):
            joined = await self.on.join(self.team_id, f"{name}{number}")
            await self.on.confirm(joined.seat)

    async def app(self, name: str) -> str:
        """Set up another app; gives its path."""
        assert self.visitor.web.apps
        row = await self.visitor.web.apps.put(PLATFORM, "slack", name, {"signing_secrets": [SECRET]})
        return f"/hooks/slack/{row.app_id}"


async def a_stage(visitor: Visitor, slack: Slack, on: Formation, clock: ManualClock, **changes: Any) -> Stage:
    assert visitor.web.apps
    row = await visitor.web.apps.put(PLATFORM, "slack", "shop", {"signing_secrets": [SECRET]})
    campaign = await on.create(a_shown_campaign(**changes))
    opened = await on.open(campaign)
    code = await an_invite(on, opened.team.team_id)
    return Stage(
        visitor, slack, on, clock, f"/hooks/slack/{row.app_id}", campaign, opened.team.team_id, opened.seat, code
    )


@pytest.fixture
async def stage(formation: Formation, clock: ManualClock) -> AsyncIterator[Stage]:
    slack = Slack()
    async with a_web_edge(formation, to_chats=ToChats(Sealer.read(SEALER), slack.give, Strangers())) as visitor:
        yield await a_stage(visitor, slack, formation, clock, maximum=60)


async def test_a_card_follows_its_team(stage: Stage) -> None:
    await stage.share()
    assert "You pay €39.90" in stage.slack.shown["1"].lines[1]
    await stage.on.confirm(stage.seat)
    await stage.later()
    assert stage.slack.changes() == 1
    assert "You pay €34.90" in stage.slack.shown["1"].lines[1]
    assert stage.slack.shown["1"].url == stage.on.codes.url(stage.code)
    await stage.fill()
    await stage.later()
    assert stage.slack.changes() == 2
    assert "You pay €29.90" in stage.slack.shown["1"].lines[1]


async def test_fifty_joins_at_once_are_few_changes_and_the_last_state_arrives(stage: Stage) -> None:
    await stage.share()
    await stage.on.confirm(stage.seat)
    await stage.fill(50)
    for _ in range(5):
        await stage.later(timedelta(seconds=1))
    assert 1 <= stage.slack.changes() <= 3
    assert "51 of 60" in " ".join(stage.slack.shown["1"].lines)
    calls = len(stage.slack.calls)
    for _ in range(3):
        await stage.later(timedelta(minutes=1))
    assert len(stage.slack.calls) == calls


async def test_two_replicas_change_a_card_once_for_each_state(stage: Stage) -> None:
    async with a_web_edge(stage.on, to_chats=ToChats(Sealer.read(SEALER), stage.slack.give, Strangers())):
        for number in range(10):
            await stage.share(str(number))
        await stage.on.confirm(stage.seat)
        for _ in range(8):
            await stage.later()
        assert [stage.slack.changes(str(number)) for number in range(10)] == [1] * 10
        await stage.fill()
        for _ in range(8):
            await stage.later()
        assert [stage.slack.changes(str(number)) for number in range(10)] == [2] * 10


async def test_nothing_is_sent_where_a_card_would_say_the_same(stage: Stage) -> None:
    await stage.share()
    turns = await stage.on.rows("SELECT free_at FROM chat_paces")
    opened = await stage.on.open(stage.campaign, "kim")  # another team
    await stage.on.confirm(opened.seat)
    await stage.on.invite(stage.team_id)
    joined = await stage.on.join(stage.team_id, "tom")
    await stage.later()
    await stage.on.leave(joined.seat)
    await stage.later()
    await stage.later()
    [(version, wants, is_moved, due_at, _)] = await stage.followed()
    assert (wants, is_moved, due_at) == (False, False, None)
    assert version >= 3  # it was looked at
    assert turns == await stage.on.rows("SELECT free_at FROM chat_paces")
    assert len({card for _, card in stage.slack.calls}) == len(stage.slack.calls)


@pytest.mark.parametrize("end", ["formed", "failed", "cancelled"])
async def test_the_end_of_a_team_is_shown_and_then_its_card_is_forgotten(stage: Stage, end: str) -> None:
    await stage.share()
    if end == "cancelled":
        await stage.on.cancel(stage.team_id)
    else:
        if end == "formed":
            await stage.on.confirm(stage.seat)
            await stage.fill(3)
            await stage.later()
        stage.clock.move(timedelta(hours=2))
        await stage.on.finder.run_once()
    await until_forgotten(stage)
    words = " ".join(stage.slack.shown["1"].lines)
    assert {"formed": "Everybody in it pays", "failed": "Not enough", "cancelled": "called it off"}[end] in words
    assert stage.slack.shown["1"].button_label == "See the team"


async def until_forgotten(stage: Stage) -> None:
    async def forgotten() -> bool:
        stage.clock.move(timedelta(seconds=1))
        return not await stage.followed()

    await until(forgotten)


async def test_a_deleted_app_takes_its_cards_along(stage: Stage) -> None:
    await stage.share()
    assert stage.visitor.web.apps
    await stage.visitor.web.apps.delete(PLATFORM, "slack", "shop")
    assert await stage.followed() == []
    assert await stage.on.rows("SELECT 1 FROM chat_paces") == []
    await stage.fill()
    await stage.later()
    assert stage.slack.changes() == 0


async def test_a_card_that_is_refused_is_followed_no_more(stage: Stage) -> None:
    await stage.share()
    stage.slack.ends = [Outcome(End.REFUSED, "cannot_find_message")]
    await stage.on.confirm(stage.seat)
    await until_forgotten(stage)
    assert stage.slack.changes() == 1


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


async def in_telegram(stage: Stage, chats: Mapping[str, str]) -> None:
    """Have cards followed that stand in messages of a bot: the chat of each message."""
    said = Said(links=(stage.on.codes.url(stage.code),))
    incoming = Incoming("telegram", Kind.MESSAGE, said=said)
    answered = Answered(stage.path.rpartition("/")[2], PLATFORM, stage.clock.now())
    cards = await stage.cards(incoming)
    for message, chat in chats.items():
        place = Reply(Way.TELEGRAM, {"chat_id": chat, "edits": message})
        await stage.chats.noter.note(answered, incoming, cards, place)
    await stage.at_rest()


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


async def test_a_card_that_was_forgotten_is_followed_again_when_it_is_asked_for(stage: Stage) -> None:
    await in_telegram(stage, {"1": "-100"})
    stage.slack.ends = [Outcome(End.REFUSED, "for now")]
    await stage.on.confirm(stage.seat)
    await until_forgotten(stage)
    await in_telegram(stage, {"1": "-100"})
    assert await stage.followed() == []  # every device asks: a moment later it is the same card
    stage.clock.move(KNOWN_FOR)
    await in_telegram(stage, {"1": "-100"})
    assert len(await stage.followed()) == 1


async def test_notes_do_not_count_all_cards_of_an_app_or_a_team_each_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recorded(monkeypatch) as found:
        await in_telegram(stage, {str(at): "-100" for at in range(1, 121)})
    trims = [one.text for one in found if one.text.startswith("DELETE FROM chat_previews") and "OFFSET" in one.text]
    assert len([one for one in trims if "team_id" in one.partition(" IN ")[0]]) <= 4  # the first, and each 50
    assert len([one for one in trims if "created_at <" in one]) <= 2


async def test_so_many_cards_of_an_app_are_followed_and_the_oldest_give_way(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.team_formation.chats.noting.MOST_OF_APP", 3)
    for at in range(6):
        await in_telegram(stage, {str(at): "-100"})
        stage.clock.move(timedelta(seconds=1))
    times = await stage.on.rows("SELECT created_at FROM chat_previews ORDER BY 1")
    assert [stage.clock.now() - at for (at,) in times] == [timedelta(seconds=by) for by in (3, 2, 1)]


async def test_what_changes_while_a_change_is_on_its_way_arrives_after_it(stage: Stage) -> None:
    await stage.share()
    release = asyncio.Event()
    stage.slack.slow = lambda _values: release
    await stage.on.confirm(stage.seat)
    stage.clock.move(timedelta(seconds=2))
    await until(lambda: stage.slack.changes() == 1)
    await stage.fill()

    async def heard() -> bool:
        return await stage.on.rows("SELECT is_moved FROM chat_previews") == [(True,)]

    await until(heard)
    assert stage.slack.changes() == 1
    release.set()
    await stage.later()
    await stage.later()
    assert stage.slack.changes() == 2
    assert "You pay €29.90" in stage.slack.shown["1"].lines[1]


async def test_a_card_that_comes_back_to_what_it_says_is_not_changed(stage: Stage) -> None:
    await stage.share()
    joined = await stage.on.join(stage.team_id, "tom")
    stage.slack.ends = [Outcome(End.RETRY, "later")] * 2
    await stage.on.confirm(joined.seat)
    await stage.later()
    tried = stage.slack.changes()
    assert tried in {1, 2}
    stage.slack.ends = []
    await stage.on.leave(joined.seat)
    for _ in range(3):
        await stage.later(timedelta(seconds=20))
    assert stage.slack.changes() == tried
    assert [row[1:3] for row in await stage.followed()] == [(False, False)]


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


async def test_what_changed_while_no_process_ran_is_found(formation: Formation, clock: ManualClock) -> None:
    slack = Slack()
    to_chats = ToChats(Sealer.read(SEALER), slack.give, Strangers())
    async with a_web_edge(formation, to_chats=to_chats) as visitor:
        stage = await a_stage(visitor, slack, formation, clock)
        await stage.share()
    await stage.on.confirm(stage.seat)
    clock.move(timedelta(seconds=10))
    async with a_web_edge(formation, to_chats=to_chats):
        await until(lambda: slack.changes() == 1)
    assert "You pay €34.90" in slack.shown["1"].lines[1]


async def test_a_change_whose_process_died_is_made_by_another(formation: Formation, clock: ManualClock) -> None:
    slack = Slack(slow=lambda _values: asyncio.Event() if len(slack.calls) > 1 else None)
    to_chats = ToChats(Sealer.read(SEALER), slack.give, Strangers())
    async with a_web_edge(formation, to_chats=to_chats) as visitor:
        stage = await a_stage(visitor, slack, formation, clock)
        await stage.share()
        await stage.on.confirm(stage.seat)
        clock.move(timedelta(seconds=2))
        await until(lambda: slack.changes() == 1)
    slack.slow = lambda _values: None
    async with a_web_edge(formation, to_chats=to_chats):
        clock.move(LEASE)
        await until(lambda: slack.changes() == 2)
        await until(lambda: "You pay €34.90" in slack.shown["1"].lines[1])


async def test_nothing_of_where_a_card_stands_can_be_read_in_the_table(stage: Stage) -> None:
    await stage.share("1620.99887766")
    [(row,)] = await stage.on.rows("SELECT chat_previews::text FROM chat_previews")
    [(sealed,)] = await stage.on.rows("SELECT sealed FROM chat_previews")
    for secret in ("1620.99887766", stage.code):
        assert secret not in row
        assert secret.encode() not in sealed


async def test_so_many_cards_of_a_team_are_followed_and_the_oldest_give_way(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.team_formation.chats.noting.MOST_OF_TEAM", 3)
    for number in range(3):
        await stage.share(str(number))
        stage.clock.move(timedelta(seconds=1))
    await post_without_waiting(stage, "3")
    await stage.on.confirm(stage.seat)
    for _ in range(4):
        await stage.later()
    assert [stage.slack.changes(str(number)) for number in range(4)] == [0, 1, 1, 1]


async def post_without_waiting(stage: Stage, ts: str) -> None:
    noted = len(await stage.on.rows("SELECT 1 FROM hook_calls WHERE due_at IS NULL"))
    sharing = asyncio.create_task(stage.share(ts))

    async def worked() -> bool:
        return len(await stage.on.rows("SELECT 1 FROM hook_calls WHERE due_at IS NULL")) > noted

    await until(worked)
    sharing.cancel()
    await asyncio.gather(sharing, return_exceptions=True)
    await stage.at_rest()


async def test_a_campaign_that_pauses_changes_the_cards_of_its_teams(stage: Stage) -> None:
    await stage.share()
    await stage.on.change(stage.campaign, domain.Pause())
    await until_changed(stage)
    assert stage.slack.shown["1"].button_label == "See the team"


async def test_an_invite_that_expires_is_shown_though_its_team_stays_as_it_is(stage: Stage) -> None:
    code = await an_invite(stage.on, stage.team_id, expires_at=stage.clock.now() + timedelta(minutes=5))
    await stage.share("1", code)
    await stage.later(timedelta(minutes=4))
    assert stage.slack.changes() == 0
    await stage.later(timedelta(minutes=1))
    await stage.later()
    assert stage.slack.changes() == 1


async def test_what_other_teams_buy_out_is_shown(formation: Formation, clock: ManualClock) -> None:
    slack = Slack()
    async with a_web_edge(formation, to_chats=ToChats(Sealer.read(SEALER), slack.give, Strangers())) as visitor:
        stage = await a_stage(visitor, slack, formation, clock, stock=2)
        await stage.share()
        await stage.on.open(stage.campaign, "kim")
        await until_changed(stage)
        assert slack.shown["1"].button_label != "Join for €39.90"


async def until_changed(stage: Stage) -> None:
    async def changed() -> bool:
        stage.clock.move(timedelta(seconds=1))
        return stage.slack.changes() == 1

    await until(changed)


async def test_feishu_is_asked_to_ask_again(stage: Stage) -> None:
    style = next(one for one in STYLES if one.name == "feishu")
    assert stage.visitor.web.apps
    secrets = {name: [value] if isinstance(value, str) else list(value) for name, value in vars_of(style).items()}
    row = await stage.visitor.web.apps.put(PLATFORM, "feishu", "shop", secrets)

    async def asked() -> Any:
        content = style.content.replace(CODE.encode(), stage.code.encode())
        raw = style.sign(content, style.secrets, stage.clock.now())
        url = f"{stage.visitor.origin}/hooks/feishu/{row.app_id}"
        async with stage.visitor.session.post(url, data=raw.body, headers=dict(raw.headers)) as answer:
            return await answer.json()

    async def is_followed() -> bool:
        return len(await stage.followed()) == 1

    before = await asked()
    await until(is_followed)
    await asked()  # another device
    await stage.at_rest()
    assert await is_followed()
    await stage.on.confirm(stage.seat)
    for _ in range(2):
        await stage.later(timedelta(seconds=2))
    [(_, card)] = stage.slack.calls
    assert card is None  # no words are sent
    after = await asked()
    assert before["inline"] != after["inline"]
    await stage.fill()
    await stage.later(timedelta(seconds=2))
    assert len(stage.slack.calls) == 1  # five seconds for a token
    await stage.later(timedelta(seconds=3))
    await stage.later(timedelta(seconds=2))
    assert len(stage.slack.calls) == 2


def vars_of(style: Style) -> dict[str, Any]:
    named = {item.name: getattr(style.secrets, item.name) for item in fields(style.secrets)}
    return {name: value for name, value in named.items() if value}


async def test_an_answer_is_given_once_though_it_cannot_be_followed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise RuntimeError("of a test")

    monkeypatch.setattr("services.team_formation.store.chat_previews.keep_previews", fails)
    await post_without_waiting(stage, "1")
    assert stage.slack.changes() == 0
    assert await stage.on.rows("SELECT outcome FROM hook_calls") == [("SENT",)]
    assert await stage.followed() == []


async def test_cards_of_quiet_teams_cost_a_few_looks_into_an_index(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.share()
    await stage.on.rows(
        "WITH more AS (INSERT INTO chat_previews SELECT campaign_id, gen_random_uuid(), app_id,"
        " sha256(n::text::bytea), platform_id, way, sealed, shown, version, campaign_version, sold_out, looked_at,"
        " is_moved, wants, due_at, next_at, claim, failures, created_at, until, chat"
        " FROM chat_previews, generate_series(1, 20000) AS n RETURNING 1) SELECT count(*) FROM more"
    )
    async with stage.on.database.read() as connection:
        await connection.execute("ANALYZE chat_previews")
    await stage.chats.marker.run_once()
    with recorded(monkeypatch) as found:
        assert await stage.chats.living.run_once() == 0
        assert await stage.chats.marker.run_once() == 0
        assert await stage.chats.marker.run_once() == 0
    ours = [one for one in found if "chat_previews" in one.text and "JOIN teams AS t" not in one.text]
    assert len({one.text for one in ours}) == 3  # looks, changes, and whether there is any card
    async with stage.on.database.read() as connection:
        for one in ours:
            cursor = await connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {one.text}", one.parameters)
            [[[plan]]] = await cursor.fetchall()
            assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] <= 20, one.text
