"""What a member's page has of notification, with notification as it runs: questions, answers, chats; and without."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

import pytest
from groupbuy.notification.v1 import notification_internal_pb2 as internal

from services.chassis import ids
from services.chassis.sealing import Sealer
from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.apps import Terms
from services.team_formation.chats.finding import Found
from services.team_formation.chats.hearing import Hearing
from services.team_formation.hooks.reading.incoming import Reply
from services.team_formation.signed_links import MemberLinks
from services.team_formation.web.wiring import ToChats
from tests.support.database import Database
from tests.support.engine import Engine, an_engine
from tests.support.formation import PLATFORM, PUBLIC_URL
from tests.support.notification_rpc import SERVICE_KEY, Api, an_api
from tests.support.web import Seen, Visitor, a_shown_campaign, a_web_edge

SEALER = f"one:{'A' * 43}="
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Stage:
    """A member with a place, and the page of it."""

    engine: Engine
    api: Api
    visitor: Visitor
    path: str
    seat_id: str

    async def page(self, language: str = "en") -> str:
        """Open the page."""
        seen = await self.visitor.get(self.path, language)
        assert seen.status == 200
        return seen.text

    async def post(self, what: str, **fields: str) -> Seen:
        """Send a form of the page."""
        url = f"{self.visitor.origin}{self.path}/{what}"
        body = urlencode(fields)
        async with self.visitor.session.post(url, data=body, headers=FORM, allow_redirects=False) as response:
            return Seen(response.status, response.headers, await response.read())

    async def words(self) -> list[tuple[str, str]]:
        """What was written to the seller."""
        return await self.engine.notification.rows("SELECT member_id, words FROM member_messages ORDER BY received_at")


def nonce(page: str) -> str:
    [found] = re.findall(r'/ask">.*?name="nonce" value="([^"]+)"', page, re.DOTALL)
    return str(found)


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    async def give(_platform: UUID, _reply: Reply, _found: Found) -> Outcome:
        return Outcome(End.SENT)

    async with an_engine(database) as engine, an_api(engine.notification) as api:
        to_chats = ToChats(Sealer.read(SEALER), give, Hearing(api.internal, SERVICE_KEY))
        async with a_web_edge(engine.formation, to_chats=to_chats) as visitor:
            opened = await engine.formation.open(await engine.formation.create(a_shown_campaign()))
            found = ids.parse("seat", opened.seat.seat_id, 2)
            assert found
            path = MemberLinks("a secret of tests", PUBLIC_URL).url(found[0], found[1], 0).removeprefix(PUBLIC_URL)
            yield Stage(engine, api, visitor, path, opened.seat.seat_id)


async def an_app(stage: Stage, link: str = "https://t.me/oliveto_bot?start={code}") -> None:
    assert stage.visitor.web.apps
    secrets = {"secret_tokens": ["a-secret-token-of-telegram"]}
    await stage.visitor.web.apps.put(PLATFORM, "telegram", "shop", secrets, Terms(open_link=link))


async def test_a_question_is_asked_once_and_shown_with_its_answer(stage: Stage) -> None:
    once = nonce(await stage.page())
    for _ in range(2):
        sent = await stage.post("ask", text=" Is it <b>ripe</b>?\r\nReally? ", nonce=once)
        assert (sent.status, sent.headers["location"]) == (303, f"{stage.path}#asked")
    assert await stage.words() == [("mei", "Is it <b>ripe</b>?\nReally?")]
    page = await stage.page()
    assert "Is it &lt;b&gt;ripe&lt;/b&gt;?" in page
    assert "Sent. Not answered yet." in page
    await stage.engine.notification.do(
        "INSERT INTO member_replies (platform_id, reply_id, message_id, words, replied_at)"
        " SELECT platform_id, gen_random_uuid(), message_id, 'Very <i>ripe</i>.', received_at FROM member_messages"
    )
    page = await stage.page()
    assert "Very &lt;i&gt;ripe&lt;/i&gt;." in page
    assert "Not answered yet." not in page


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"text": "Hello"}, 303),
        ({"text": "Hello", "nonce": "short"}, 303),
        ({"text": " \n ", "nonce": "x" * 22}, 303),
        ({"text": "x" * 1001, "nonce": "x" * 22}, 400),
        ({"text": "水" * 5000, "nonce": "x" * 22}, 303),  # more than a form may have
        ({"text": "\0\0", "nonce": "x" * 22}, 303),
    ],
)
async def test_what_is_no_question_is_not_asked(stage: Stage, fields: dict[str, str], status: int) -> None:
    assert (await stage.post("ask", **fields)).status == status
    assert await stage.words() == []


async def test_the_longest_question_of_any_script_is_asked(stage: Stage) -> None:
    await stage.post("ask", text="水" * 1000, nonce="x" * 22)
    assert await stage.words() == [("mei", "水" * 1000)]


async def test_who_asks_too_much_is_told_so(stage: Stage) -> None:
    for number in range(100):
        await stage.post("ask", text="?", nonce=f"{number:022d}")
    refused = await stage.post("ask", text="?", nonce="y" * 22)
    assert (refused.status, "tomorrow" in refused.text) == (429, True)
    assert len(await stage.words()) == 100


async def test_a_chat_is_bound_by_the_code_that_the_page_gives(stage: Stage) -> None:
    assert "messages in a chat" not in await stage.page()
    assert (await stage.post("chat")).status == 303  # there is no app
    await an_app(stage)
    assert "Have messages in a chat" in await stage.page()
    shown = await stage.post("chat")
    assert shown.status == 200
    [code] = re.findall(r'value="start ([2-9A-Z]{10})"', shown.text)
    assert f'href="https://t.me/oliveto_bot?start={code}"' in html.unescape(shown.text)
    request = internal.HearChatRequest(
        platform_id=ids.opaque("plat", PLATFORM),
        event_key="e",
        service="telegram",
        address="4711",
        act=internal.CHAT_ACT_STARTED,
        code=code,
    )
    heard = await stage.api.call_internal("HearChat", request)
    assert (heard.heard, heard.member_id) == (internal.CHAT_HEARD_BOUND, "mei")
    page = await stage.page()
    assert "Your messages go to Telegram." in page
    assert "4711" not in page
    assert (await stage.visitor.get(f"{stage.path}/chat")).headers["location"] == stage.path  # coming back to it
    ended = await stage.post("chats")
    assert (ended.status, ended.headers["location"]) == (303, f"{stage.path}#chats")
    assert "Your messages go to" not in await stage.page()
    heard = await stage.api.call_internal("HearChat", request)
    assert "Your messages go to" not in await stage.page()  # the same event again binds nothing


async def test_a_page_is_whole_without_notification(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await an_app(stage)
    monkeypatch.setattr("services.team_formation.chats.hearing.PAGE_SECONDS", 0.0)
    monkeypatch.setattr("services.team_formation.chats.hearing.CALL_SECONDS", 0.0)
    page = await stage.page()
    assert "Your place" in page
    refused = await stage.post("ask", text="Hello", nonce="x" * 22)
    assert (refused.status, "did not work" in refused.text or "not possible" in refused.text) == (503, True)
    assert (await stage.post("chat")).status == 503


@pytest.mark.parametrize("language", ["en", "zh-Hans", "es", "ar"])
async def test_every_word_is_there_in_every_language(stage: Stage, language: str) -> None:
    await an_app(stage, "")
    page = await stage.page(language)
    assert page.count("<form") >= 2
    shown = await stage.post("chat")
    assert "Telegram" in shown.text


async def test_a_link_that_was_taken_back_asks_nothing(stage: Stage) -> None:
    wrong = Stage(stage.engine, stage.api, stage.visitor, f"/m/{'A' * 62}", stage.seat_id)
    assert (await wrong.post("ask", text="Hello", nonce="x" * 22)).status == 404
    assert (await wrong.post("chat")).status == 404
    assert await stage.words() == []


async def test_taking_the_link_back_takes_back_the_chats_that_were_bound_by_it(stage: Stage) -> None:
    await an_app(stage)
    [code] = re.findall(r'value="start ([2-9A-Z]{10})"', (await stage.post("chat")).text)
    request = internal.HearChatRequest(
        platform_id=ids.opaque("plat", PLATFORM),
        event_key="e",
        service="telegram",
        address="4711",
        act=internal.CHAT_ACT_STARTED,
        code=code,
    )
    await stage.api.call_internal("HearChat", request)
    await Hearing(stage.api.internal, SERVICE_KEY).end_chats(PLATFORM, "mei", stage.seat_id)
    assert "Your messages go to" not in await stage.page()
