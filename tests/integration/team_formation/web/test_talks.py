"""Private talks with a platform's app, with team_formation and notification as they run: who is known, what is done."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from groupbuy.notification.v1 import notification_internal_pb2 as internal

from services.chassis import ids
from services.chassis.sealing import Sealer
from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.apps import Terms
from services.team_formation.chats.cards import Card
from services.team_formation.chats.finding import Found
from services.team_formation.chats.hearing import Hearing
from services.team_formation.hooks.reading.incoming import Reply
from services.team_formation.web.wiring import ToChats
from tests.support.database import Database
from tests.support.engine import Engine, an_engine
from tests.support.formation import PLATFORM
from tests.support.notification_rpc import SERVICE_KEY, Api, an_api
from tests.support.until import until
from tests.support.web import Visitor, a_shown_campaign, a_web_edge, an_invite

TOKEN = "a-secret-token-of-telegram"
SEALER = f"one:{'A' * 43}="
MEI, STRANGER, GROUP = 4711, 4712, -100200300


@dataclass
class Talk:
    """Somebody who talks with the app in Telegram."""

    visitor: Visitor
    engine: Engine
    api: Api
    path: str
    seat: Any
    code: str
    given: list[Found]
    ends: list[Outcome]
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def say(
        self,
        text: str,
        sender: int = MEI,
        chat: int | None = None,
        update: int | None = None,
        kind: str = "",
        *,
        wait: bool = True,
    ) -> Found:
        """Write a message, and give what is answered once it is worked."""
        number = update or next(self.numbers)
        kind = kind or ("private" if chat is None else "supergroup")
        message = {
            "message_id": number,
            "date": int(self.engine.formation.clock.now().timestamp()),
            "from": {"id": sender, "is_bot": False, "first_name": "Mei", "language_code": "en"},
            "chat": {"id": chat or sender, "type": kind},
            "text": text,
        }
        return await self.post({"update_id": number, "message": message}, wait=wait)

    async def post(self, update: dict[str, Any], *, wait: bool = True) -> Found:
        """Call as Telegram does."""
        before, headers = len(self.given), {"x-telegram-bot-api-secret-token": TOKEN}
        url = self.visitor.origin + self.path
        async with self.visitor.session.post(url, json=update, headers=headers) as response:
            assert response.status == 200
        if wait:
            await self.worked()
        return self.given[-1] if len(self.given) > before else Found()

    async def worked(self) -> None:
        """Wait until every call is worked."""

        async def ended() -> bool:
            return not await self.rows("SELECT FROM hook_calls WHERE due_at IS NOT NULL")

        await until(ended)

    async def whatsapp(self, path: str, secret: str, text: str, at: int) -> None:
        """Call as WhatsApp does."""
        said = {"from": "4915112345678", "id": f"wamid.{next(self.numbers)}", "timestamp": str(at), "type": "text"}
        number = {"display_phone_number": "1", "phone_number_id": "106540352242922"}
        value = {"messaging_product": "whatsapp", "metadata": number, "messages": [{**said, "text": {"body": text}}]}
        entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={proof}"}
        url = self.visitor.origin + path
        async with self.visitor.session.post(url, data=body, headers=headers) as response:
            assert response.status == 200
        await self.worked()

    async def code_of(self, member_id: str) -> str:
        """Make a code on the page of the member's seat."""
        platform, seat = ids.opaque("plat", PLATFORM), self.seat.seat_id
        request = internal.MakeMemberChatCodeRequest(platform_id=platform, member_id=member_id, seat_id=seat)
        return str((await self.api.call_internal("MakeMemberChatCode", request)).code)

    async def bind(self, sender: int = MEI) -> Found:
        """Have mei's messages sent to a chat."""
        return await self.say(f"/start {await self.code_of('mei')}", sender)

    async def rows(self, query: str) -> list[Any]:
        """Read rows of team_formation."""
        return await self.engine.formation.rows(query)

    async def words(self) -> list[tuple[str, str]]:
        """What members wrote to the seller."""
        return await self.engine.notification.rows("SELECT member_id, words FROM member_messages ORDER BY received_at")


@pytest.fixture
async def talk(database: Database) -> AsyncIterator[Talk]:
    given: list[Found] = []
    ends: list[Outcome] = []

    async def give(_platform: UUID, _reply: Reply, found: Found) -> Outcome:
        given.append(found)
        return ends.pop(0) if ends else Outcome(End.SENT)

    async with an_engine(database) as engine, an_api(engine.notification) as api:
        to_chats = ToChats(Sealer.read(SEALER), give, Hearing(api.internal, SERVICE_KEY))
        async with a_web_edge(engine.formation, to_chats=to_chats) as visitor:
            assert visitor.web.apps
            row = await visitor.web.apps.put(PLATFORM, "telegram", "shop", {"secret_tokens": [TOKEN]})
            opened = await engine.formation.open(await engine.formation.create(a_shown_campaign()))
            await engine.formation.confirm(opened.seat)
            code = await an_invite(engine.formation, opened.team.team_id)
            await engine.carry()
            yield Talk(visitor, engine, api, f"/hooks/telegram/{row.app_id}", opened.seat, code, given, ends)


async def allow(talk: Talk) -> None:
    """Let members give their places back in chats."""
    assert talk.visitor.web.apps
    secrets = {"secret_tokens": [TOKEN]}
    await talk.visitor.web.apps.put(PLATFORM, "telegram", "shop", secrets, Terms(allows_leave=True))


def titles(found: Found) -> Sequence[str]:
    return [card.title for card in found.cards]


def lines(card: Card) -> str:
    return "\n".join(card.lines)


async def test_who_sends_the_code_is_known_from_then_on(talk: Talk) -> None:
    assert "link or the code" in (await talk.say("status")).text
    bound = await talk.bind()
    assert titles(bound) == ["Mangoes"]
    assert "Done:" in lines(bound.cards[0])
    assert "/m/" in bound.cards[0].button_url
    status = await talk.say("status")
    assert (titles(status), status.is_private) == (["Mangoes"], True)
    assert "certain for you" in lines(status.cards[0])
    assert "link or the code" in (await talk.say("status", STRANGER)).text


async def test_the_card_leads_to_the_members_own_page(talk: Talk) -> None:
    [card] = (await talk.bind()).cards
    path = card.button_url[card.button_url.index("/m/") :]
    seen = await talk.visitor.get(path)
    assert (seen.status, "Your place" in seen.text) == (200, True)


async def test_in_a_group_nobodys_place_is_told(talk: Talk) -> None:
    await talk.bind()
    assert not (await talk.say("/status", chat=GROUP)).cards
    assert await talk.say("/leave", chat=GROUP) == Found()
    assert await talk.say("When does it come?", chat=GROUP) == Found()
    assert await talk.words() == []
    shown = await talk.say(f"/status {talk.code}", chat=GROUP)
    assert (titles(shown), shown.is_private) == (["Mangoes"], False)


async def test_what_a_member_writes_reaches_the_seller_once(talk: Talk) -> None:
    assert await talk.say("Is it ripe?", STRANGER) == Found()
    await talk.bind()
    assert "Passed on" in (await talk.say("Is it ripe?", update=900)).text
    assert await talk.say("Is it ripe?", update=900) == Found()
    assert await talk.say("And sweet?", update=901) == Found()
    assert await talk.words() == [("mei", "Is it ripe?"), ("mei", "And sweet?")]
    link = talk.engine.formation.codes.url(talk.code)
    assert titles(await talk.say(link)) == ["Mangoes"]
    assert len(await talk.words()) == 2
    assert titles(await talk.say(f"When does this come? {link}")) == ["Mangoes"]
    assert (await talk.words())[2:] == [("mei", f"When does this come? {link}")]
    [(kept,)] = await talk.rows("SELECT count(*) FROM hook_calls WHERE payload IS NOT NULL")
    assert kept == 0


async def test_stop_and_start(talk: Talk) -> None:
    assert "do not know you" in (await talk.say("stop")).text
    await talk.bind()
    assert "no more messages" in (await talk.say("Stop")).text
    assert "no more messages" in (await talk.say("退订")).text
    muted = "SELECT muted_all FROM members WHERE member_id = 'mei'"
    assert await talk.engine.notification.rows(muted) == [(True,)]
    assert "again" in (await talk.say("/start")).text
    assert await talk.engine.notification.rows(muted) == [(False,)]


async def test_a_place_is_given_back_in_two_steps_once(talk: Talk) -> None:
    await allow(talk)
    await talk.bind()
    asked = await talk.say("leave")
    assert "Mangoes" in asked.text
    [number] = re.findall(r"leave (\d{4} \d{4} \d{4})", asked.text)
    wrong = f"{(int(number[:4]) + 1) % 10000:04d}{number[4:]}"
    assert wrong not in (await talk.say(f"leave {wrong}")).text  # asked again, nothing given back
    state = "SELECT state FROM seats WHERE member_id = 'mei'"
    assert await talk.rows(state) == [("CONFIRMED",)]
    assert "given your place back" in (await talk.say(f"leave {number}", update=950)).text
    assert await talk.rows(state) == [("RELEASED",)]
    await talk.say(f"leave {number}", update=950)
    assert "no place that is open" in (await talk.say(f"leave {number.replace(' ', '')}")).text
    assert len(await talk.rows("SELECT FROM requests WHERE rpc = 'ChatLeave'")) == 1


async def test_a_number_is_no_good_for_others_or_later(talk: Talk) -> None:
    await allow(talk)
    await talk.bind()
    [number] = re.findall(r"leave (\d{4} \d{4} \d{4})", (await talk.say("leave")).text)
    assert "do not know you" in (await talk.say(f"leave {number}", STRANGER)).text
    talk.engine.formation.clock.move(timedelta(minutes=31))
    await talk.say(f"leave {number}")
    assert await talk.rows("SELECT state FROM seats WHERE member_id = 'mei'") == [("CONFIRMED",)]


async def test_without_the_platforms_consent_leaving_is_for_the_page(talk: Talk) -> None:
    await talk.bind()
    found = await talk.say("leave")
    assert "on its own page" in lines(found.cards[0])
    assert not re.search(r"\d{4} \d{4}", found.text + lines(found.cards[0]))


async def test_who_blocks_the_app_is_forgotten(talk: Talk) -> None:
    await talk.bind()
    member = {
        "chat": {"id": MEI, "type": "private"},
        "from": {"id": MEI, "is_bot": False, "first_name": "Mei"},
        "date": int(talk.engine.formation.clock.now().timestamp()),
        "old_chat_member": {"status": "member"},
        "new_chat_member": {"status": "kicked"},
    }
    await talk.post({"update_id": 999, "my_chat_member": member})
    assert await talk.engine.notification.rows("SELECT FROM member_chats") == []


async def test_a_code_that_is_over_shows_what_can_be_done(talk: Talk) -> None:
    assert "link or the code" in (await talk.say("/start 2222222222")).text
    assert titles(await talk.say(f"/start {talk.code}")) == ["Mangoes"]


async def test_nothing_is_lost_while_notification_is_away(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    await talk.bind()
    monkeypatch.setattr("services.team_formation.chats.hearing.CALL_SECONDS", 0.0)
    headers = {"x-telegram-bot-api-secret-token": TOKEN}
    at = int(talk.engine.formation.clock.now().timestamp())
    sender = {"id": MEI, "is_bot": False, "first_name": "Mei"}
    message = {"message_id": 7, "date": at, "from": sender, "chat": {"id": MEI, "type": "private"}, "text": "Hello?"}
    url = talk.visitor.origin + talk.path
    body = json.dumps({"update_id": 7777, "message": message})
    headers["content-type"] = "application/json"
    async with talk.visitor.session.post(url, data=body, headers=headers) as response:
        assert response.status == 200

    async def tried() -> bool:
        rows = await talk.rows("SELECT FROM hook_calls WHERE due_at IS NOT NULL AND outcome LIKE 'RETRY%%'")
        return bool(rows)

    await until(tried)
    monkeypatch.undo()
    talk.engine.formation.clock.move(timedelta(minutes=1))

    async def kept() -> bool:
        return await talk.words() == [("mei", "Hello?")]

    await until(kept)


async def test_nobody_has_anothers_answers_sent_to_a_chat_of_its_own(talk: Talk) -> None:
    """Telegram signs nothing: whoever has its secret may name anybody as the sender, and its own chat to answer in."""
    await allow(talk)
    await talk.bind()
    for text in ("status", "leave", "When does it come?"):
        forged = await talk.say(text, MEI, chat=666, kind="private")
        assert not forged.cards
        assert not re.search(r"\d{4} \d{4}|/m/", forged.text)
    assert await talk.words() == []


async def test_what_was_asked_for_is_done_however_late_it_is_said(talk: Talk) -> None:
    """WhatsApp sends again for a week, with the time at which something was written."""
    await talk.bind()
    old = int(talk.engine.formation.clock.now().timestamp()) - 6 * 24 * 3600
    whatsapp = "0123456789abcdef" * 2
    assert talk.visitor.web.apps
    row = await talk.visitor.web.apps.put(
        PLATFORM, "whatsapp", "shop", {"app_secrets": [whatsapp], "verify_tokens": ["a-token-to-verify-with"]}
    )
    code = await talk.code_of("mei")
    path = f"/hooks/whatsapp/{row.app_id}"
    await talk.whatsapp(path, whatsapp, f"start {code}", int(talk.engine.formation.clock.now().timestamp()))
    given = len(talk.given)
    await talk.whatsapp(path, whatsapp, "Where is my parcel?", old)
    await talk.whatsapp(path, whatsapp, "leave", old)
    assert await talk.words() == [("mei", "Where is my parcel?")]
    assert len(talk.given) == given  # nobody waits for an answer any more


async def test_who_gave_a_place_back_reads_so_however_often_the_answer_fails(talk: Talk) -> None:
    await allow(talk)
    await talk.bind()
    [number] = re.findall(r"leave (\d{4} \d{4} \d{4})", (await talk.say("leave")).text)
    talk.ends += [Outcome(End.RETRY, "HTTP 429")] * 2
    before = len(talk.given)
    await talk.say(f"leave {number}", wait=False)
    for tries in (1, 2, 3):

        async def given(wanted: int = before + tries) -> bool:
            return len(talk.given) == wanted

        await until(given)
        talk.engine.formation.clock.move(timedelta(seconds=10))
    assert all("given your place back" in found.text for found in talk.given[before:])
    assert len(await talk.rows("SELECT FROM requests WHERE rpc = 'ChatLeave'")) == 1

    async def forgotten() -> bool:
        return not await talk.rows("SELECT FROM hook_calls WHERE intent IS NOT NULL")

    await until(forgotten)


@pytest.mark.parametrize("text", ["stop harassment", "leave department", "start department", "leave consequently"])
async def test_what_only_begins_like_a_command_is_for_the_seller(talk: Talk, text: str) -> None:
    await talk.bind()
    await talk.say(text)
    assert await talk.words() == [("mei", text)]
    assert await talk.engine.notification.rows("SELECT muted_all FROM members WHERE member_id = 'mei'") == [(False,)]
