"""Cards in chats follow their teams: to the end, once for all replicas, at no cost at rest."""

import asyncio
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from services.chassis.clock import ManualClock
from services.chassis.sealing import Sealer
from services.team_formation import domain
from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.living import LEASE
from services.team_formation.chats.noting import KNOWN_FOR
from services.team_formation.web.wiring import ToChats
from tests.support.followed_cards import SEALER, Slack, Stage, a_stage, in_telegram, stage
from tests.support.formation import PLATFORM, Formation
from tests.support.hearing import Strangers
from tests.support.hook_calls import CODE, STYLES, Style
from tests.support.partitioned import recorded
from tests.support.until import until
from tests.support.web import a_web_edge, an_invite

__all__ = ["stage"]


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
