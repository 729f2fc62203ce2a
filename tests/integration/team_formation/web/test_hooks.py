"""Calls of chat services over HTTP: kept once however often they come, worked after, refused where not theirs."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from services.chassis.clock import ManualClock
from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.finding import Found
from services.team_formation.chats.worker import KEEP, PER_APP, TOO_OLD
from services.team_formation.hooks.reading.incoming import Reply, Way
from tests.support.chat_stage import SECRET, Stage, a_chat_stage
from tests.support.formation import OTHER_PLATFORM, PLATFORM, Formation
from tests.support.hook_calls import CODE, STYLES, Style
from tests.support.until import until


@pytest.fixture
async def stage(formation: Formation, clock: ManualClock) -> AsyncIterator[Stage]:
    async with a_chat_stage(formation, clock) as made:
        yield made


async def test_a_link_that_is_shared_gets_a_card_of_its_invite(stage: Stage) -> None:
    answer = await stage.post(stage.shared(stage.link, "https://elsewhere.example/i/AAAAAAAAAAAA"))
    assert (answer.status, answer.body) == (200, b"")
    await stage.worked(1)
    [(platform_id, reply, found)] = stage.chat.given
    cards, text, language = found.cards, found.text, found.language
    assert platform_id == PLATFORM
    assert reply.way is Way.SLACK_UNFURL
    assert reply.values["source"] == "conversations_history"
    [card] = cards
    assert (card.url, card.title, text, language) == (stage.link, "Mangoes", "", "en")
    assert card.lines[0] == "Mei invites you"
    assert card.lines[1].startswith("You pay €39.90 now, never more")
    assert (card.button_label, card.button_url) == ("Join for €39.90", stage.link)
    assert await stage.calls() == [("Ev1", True, True, 1, "SENT")]


async def test_the_same_call_ten_times_has_one_effect(stage: Stage) -> None:
    body = stage.shared(stage.link)
    answers = await asyncio.gather(*(stage.post(body, x_slack_retry_num=str(at)) for at in range(10)))
    assert {answer.status for answer in answers} == {200}
    await stage.worked(1)
    assert (await stage.post(body)).status == 200
    await stage.worked(1)
    assert len(stage.chat.given) == 1


async def test_what_is_not_slacks_changes_nothing(stage: Stage) -> None:
    body = stage.shared(stage.link)
    forged = await stage.post(body, secret="another secret of sixteen")
    unknown = await stage.post(body, path="/hooks/slack/" + "0" * 32)
    other = await stage.post(body, path=stage.path.replace("slack", "line"))
    stage.clock.move(timedelta(minutes=10))
    late = await stage.visitor.get(stage.path)
    assert [forged.status, unknown.status, other.status] == [401, 401, 401]
    assert forged.body == unknown.body == other.body == b""
    assert late.status == 405
    assert (await stage.post(body, path="/hooks/nothing/x")).status == 404
    assert (await stage.post(b"{" + b" " * 300_000)).status == 413
    assert (await stage.post(body, content_type="text/plain")).status == 415
    assert await stage.calls() == []
    assert stage.chat.given == []


async def test_slacks_handshake_is_answered(stage: Stage) -> None:
    answer = await stage.post(
        b'{"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7"}'
    )
    assert answer.status == 200
    assert b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7" in answer.body


async def test_while_a_secret_changes_both_are_taken(stage: Stage) -> None:
    assert stage.visitor.web.apps
    fresh = "f" * 32
    row = await stage.visitor.web.apps.put(PLATFORM, "slack", "shop", {"signing_secrets": [fresh, SECRET]})
    assert row.version == 2
    assert stage.path.endswith(row.app_id)
    for event_id, secret in (("Ev1", SECRET), ("Ev2", fresh)):
        assert (await stage.post(stage.shared(stage.link, event_id=event_id), secret=secret)).status == 200
    await stage.visitor.web.apps.put(PLATFORM, "slack", "shop", {"signing_secrets": [fresh]})
    assert (await stage.post(stage.shared(stage.link), secret=SECRET)).status == 401


async def test_an_answer_that_does_not_arrive_is_tried_again_and_given_up_when_it_is_too_old(stage: Stage) -> None:
    stage.chat.ends = [Outcome(End.RETRY, "HTTP 429", timedelta(seconds=30)), Outcome(End.SENT)]
    await stage.post(stage.shared(stage.link))
    await until(lambda: len(stage.chat.given) == 1)
    stage.clock.move(timedelta(seconds=29))
    assert await stage.visitor.web.chats.worker.run_once() == 0  # type: ignore[union-attr]
    stage.clock.move(timedelta(seconds=2))
    await stage.worked(1)
    assert len(stage.chat.given) == 2
    stage.chat.ends = [Outcome(End.MISCONFIGURED, "token_revoked"), Outcome(End.MISCONFIGURED, "token_revoked")]
    await stage.post(stage.shared(stage.link, event_id="Ev2"))
    await until(lambda: len(stage.chat.given) == 3)
    stage.clock.move(TOO_OLD)  # nobody waits any longer
    await stage.worked(2)
    assert (await stage.calls())[1] == ("Ev2", True, True, 2, "REFUSED: too late")


async def test_another_platforms_link_is_none(stage: Stage) -> None:
    assert stage.visitor.web.apps
    row = await stage.visitor.web.apps.put(OTHER_PLATFORM, "slack", "shop", {"signing_secrets": [SECRET]})
    await stage.post(stage.shared(stage.link), path=f"/hooks/slack/{row.app_id}")
    await stage.worked(1)
    assert stage.chat.given == []


async def test_what_is_said_is_sealed_and_forgotten_and_an_id_is_kept_while_it_may_come_again(stage: Stage) -> None:
    stage.chat.ends = [Outcome(End.RETRY, "later")]
    await stage.post(stage.shared(stage.link))
    await until(lambda: len(stage.chat.given) == 1)
    [(payload,)] = await stage.formation.rows("SELECT payload FROM hook_calls")
    assert b"U123ABC456" not in payload
    assert stage.code.encode() not in payload
    stage.clock.move(timedelta(seconds=5))
    await stage.worked(1)
    worker = stage.visitor.web.chats.worker  # type: ignore[union-attr]
    stage.clock.move(KEEP - timedelta(minutes=1))
    assert await worker.forget() == 0
    stage.clock.move(timedelta(minutes=2))
    assert await worker.forget() == 1


async def test_of_what_asks_for_nothing_the_id_alone_is_kept(stage: Stage) -> None:
    body = stage.shared("https://elsewhere.example/i/AAAAAAAAAAAA", event_id="Ev1")
    for _ in range(2):
        assert (await stage.post(body)).status == 200
    assert await stage.calls() == [("Ev1", True, True, 0, "SENT: nothing to answer")]
    assert (await stage.post(stage.shared(stage.link, event_id="Ev2"))).status == 200
    await stage.worked(2)
    assert len(stage.chat.given) == 1


async def test_what_cannot_be_kept_in_time_is_to_be_sent_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.team_formation.web.hooks.ON_THE_WAY_SECONDS", 2.7)
    async with stage.formation.database.read() as connection, connection.transaction():
        await connection.execute("LOCK TABLE hook_calls IN ACCESS EXCLUSIVE MODE")
        late = await stage.post(stage.shared(stage.link))
        assert late.status == 503
        assert late.headers["retry-after"]
    again = await stage.post(stage.shared(stage.link))
    assert again.status == 200
    await stage.worked(1)
    assert len(stage.chat.given) == 1


WITH_A_CARD = {
    "slack event",
    "slack button",
    "slack command",
    "telegram",
    "line",
    "whatsapp",
    "wechat",
    "wechat plain",
    "discord",
    "dingtalk robot",
    "dingtalk robot, encrypted",
}


@pytest.mark.parametrize("style", [one for one in STYLES if one.service != "feishu"], ids=lambda style: style.name)
async def test_every_service_is_taken_and_answered_where_a_link_or_a_code_of_ours_is_in_what_it_says(
    stage: Stage, style: Style
) -> None:
    path = await stage.app_of(style)
    answer = await stage.call(path, style)
    assert answer.status == 200, answer.body
    stored = await stage.calls()
    assert bool(stored) != style.is_handshake
    await stage.worked(len(stored))
    assert [card.button_url for _, _, found in stage.chat.given for card in found.cards] == (
        [stage.link] if style.name in WITH_A_CARD else []
    )


async def test_feishu_is_told_at_once_what_to_show_for_a_link(stage: Stage) -> None:
    style = next(one for one in STYLES if one.name == "feishu")
    answer = await stage.call(await stage.app_of(style), style)
    assert answer.status == 200
    shown = json.loads(answer.body)
    assert shown["inline"]["i18n_title"]["en_us"].startswith("Mangoes · You pay €39.90 now")
    [action] = [item for item in shown["card"]["data"]["elements"] if item["tag"] == "action"]
    assert action["actions"][0]["url"] == stage.link
    assert await stage.calls() == []


async def test_a_slow_app_keeps_no_other_waiting(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.team_formation.store.chat_apps._LOOKED_AT", 10)  # it fills what is looked at
    assert stage.visitor.web.apps
    other = await stage.visitor.web.apps.put(PLATFORM, "slack", "other", {"signing_secrets": [SECRET]})
    release = asyncio.Event()
    given: list[str] = []

    async def give(_platform: UUID, _reply: Reply, found: Found) -> Outcome:
        given.append(found.cards[0].url)
        if found.cards[0].url.endswith("?slow"):
            await release.wait()
        return Outcome(End.SENT)

    monkeypatch.setattr(stage.visitor.web.chats.worker, "_give", give)  # type: ignore[union-attr]
    for at in range(30):
        await stage.post(stage.shared(f"{stage.link}?slow", event_id=f"Ev{at}"))
    await stage.post(stage.shared(stage.link, event_id="quick"), path=f"/hooks/slack/{other.app_id}")
    await until(lambda: stage.link in given)
    assert len(given) <= 2 * PER_APP + 1
    release.set()
    await stage.worked(31)


async def test_what_a_service_sends_again_days_later_is_not_answered(stage: Stage) -> None:
    style = next(one for one in STYLES if one.name == "whatsapp")
    path = await stage.app_of(style)
    raw = style.sign(style.content.replace(CODE.encode(), stage.code.encode()), style.secrets, stage.clock.now())
    stage.clock.move(timedelta(days=30))
    async with stage.visitor.session.post(
        stage.visitor.origin + path, data=raw.body, headers=dict(raw.headers)
    ) as answer:
        assert answer.status == 200
    await stage.worked(1)
    assert stage.chat.given == []
    assert (await stage.calls())[0][4] == "REFUSED: too late"


async def test_a_broken_link_beside_a_good_one_changes_nothing(stage: Stage) -> None:
    await stage.post(stage.shared("https://[shop", stage.link))
    await stage.worked(1)
    assert [len(found.cards) for _, _, found in stage.chat.given] == [1]


async def test_a_test_platforms_clock_is_not_the_services(stage: Stage) -> None:
    stage.clock.set_ahead(PLATFORM, timedelta(days=3))
    answer = await stage.post(stage.shared(stage.link))
    assert answer.status == 200
    await stage.worked(1)
    assert len(stage.chat.given) == 1


async def test_who_calls_an_address_that_is_none_costs_no_memory(stage: Stage) -> None:
    assert stage.visitor.web.apps
    for odd in ("x" * 5_000, "%00", "0" * 31, "F" * 32):
        assert (await stage.post(b"{}", path=f"/hooks/slack/{odd}")).status in {401, 404}
    for at in range(20):
        assert (await stage.post(b"{}", path=f"/hooks/slack/{at:032x}")).status == 401
    assert len(stage.visitor.web.apps._known) <= 1
