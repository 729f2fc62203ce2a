"""AnswerChat: who may call it, what is wrong by field, whose account it uses, and what it never tells."""

import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from groupbuy.notification.v1 import channels_pb2
from groupbuy.notification.v1 import notification_internal_pb2 as pb

from services.chassis import ids, platforms
from services.notification.accounts import Accounts
from services.notification.answering import ChatAnswer
from services.notification.answering.answerer import Answerer
from services.notification.answering.registry import open_ways
from services.notification.channels import Http, Retry
from services.notification.testing import SLOW, Answer, HttpSink, Request, http_sink
from tests.support.notification_rpc import OTHER, SHOP, Api, an_api, refusal
from tests.support.notifying import SEALER, Notifying, a_sandbox

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
CHAT = "-1001234567890"
LINK = "https://shop.example/i/Ab3dEf6hIj9k"
TOOK = Answer(200, {"ok": True, "result": {"message_id": 43}})


@pytest.fixture
async def api(notification: Notifying) -> AsyncIterator[Api]:
    async with an_api(notification, private=True) as opened:
        yield opened


def platform(of: UUID = SHOP) -> str:
    return ids.opaque(platforms.ID_PREFIX, of)


def a_request(**changed: Any) -> pb.AnswerChatRequest:
    said: dict[str, Any] = {
        "platform_id": platform(),
        "way": "telegram",
        "values": {"chat_id": CHAT},
        "cards": [pb.ChatCard(title="Mangoes", lines=["€34.90"], button_label="Join", button_url=LINK)],
        "language": "en",
    }
    return pb.AnswerChatRequest(**{**said, **changed})


async def set_up(api: Api, sink: HttpSink, of: UUID = SHOP, token: str = TOKEN) -> None:
    settings = {"token": token, "base_url": sink.url}
    request = channels_pb2.PutChannelRequest(request_id=sink.url[-20:], channel="telegram", settings=settings)
    await api.call("PutChannel", request, of)


async def answered(api: Api, *answers: Answer, **changed: Any) -> tuple[pb.AnswerChatResponse, list[Request]]:
    """Answer in a chat of a service that answers so."""
    left = list(answers)
    async with http_sink(lambda _: left.pop(0)) as sink:
        await set_up(api, sink)
        response = await api.call_internal("AnswerChat", a_request(**changed))
        sink.release()
        return response, sink.asked


async def test_an_answer_is_sent_by_the_platforms_account(api: Api) -> None:
    response, (asked,) = await answered(api, TOOK)
    place = pb.ChatAnswerPlace(way="telegram", values={"chat_id": CHAT, "edits": "43"})
    assert response == pb.AnswerChatResponse(outcome=pb.CHAT_ANSWER_OUTCOME_SENT, place=place)
    assert asked.path == f"/bot{TOKEN}/sendMessage"
    assert asked.json()["text"] == "Mangoes\n€34.90"


async def test_another_platforms_account_is_not_used(api: Api) -> None:
    async with http_sink(lambda _: TOOK) as sink:
        await set_up(api, sink)
        response = await api.call_internal("AnswerChat", a_request(platform_id=platform(OTHER)))
        assert sink.asked == []
    assert response.outcome == pb.CHAT_ANSWER_OUTCOME_MISCONFIGURED
    assert "PutChannel" in response.why


async def test_a_way_that_needs_no_account_answers_without(api: Api) -> None:
    async with http_sink(lambda _: Answer(200, body=b"ok")) as sink:
        values = {"url": f"{sink.url}/commands/T1/2/x"}
        response = await api.call_internal("AnswerChat", a_request(way="slack_response_url", values=values))
        assert [request.path for request in sink.asked] == ["/commands/T1/2/x"]
    assert response.outcome == pb.CHAT_ANSWER_OUTCOME_SENT


async def test_when_to_come_again_is_said(api: Api) -> None:
    busy = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 7}}
    response, _ = await answered(api, Answer(429, busy))
    assert response.outcome == pb.CHAT_ANSWER_OUTCOME_RETRY
    assert response.retry_after.ToTimedelta().total_seconds() == 7
    response, _ = await answered(api, Answer(502, {"ok": False, "error_code": 502, "description": "Bad Gateway"}))
    assert response.outcome == pb.CHAT_ANSWER_OUTCOME_RETRY
    assert not response.HasField("retry_after")
    assert not response.whole_account


@pytest.mark.parametrize(("chat", "slowed"), [("42", "all"), ("-10042", "group")])
async def test_whether_the_service_slows_the_whole_account_is_said(api: Api, chat: str, slowed: str) -> None:
    busy = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 7}}
    response, _ = await answered(api, Answer(429, busy), values={"chat_id": chat})
    assert response.whole_account is (slowed == "all")


async def test_a_revoked_token_is_the_platforms_to_mend(api: Api) -> None:
    response, _ = await answered(api, Answer(401, {"ok": False, "error_code": 401, "description": "Unauthorized"}))
    assert response.outcome == pb.CHAT_ANSWER_OUTCOME_MISCONFIGURED
    assert "PutChannel" in response.why


async def test_a_chat_that_is_gone_refuses(api: Api) -> None:
    gone = {"ok": False, "error_code": 403, "description": "Forbidden: bot was kicked from the supergroup chat"}
    response, asked = await answered(api, Answer(403, gone))
    assert response.outcome == pb.CHAT_ANSWER_OUTCOME_REFUSED
    assert len(asked) == 1


async def test_a_service_that_does_not_answer_is_given_up_in_time(api: Api, notification: Notifying) -> None:
    hasty = Answerer(notification.database, Accounts(SEALER), a_sandbox({}, notification.clock), seconds=0.2)
    http = Http(seconds=5, connections=1, allow_private=True)
    async with http_sink(lambda _: Answer(trouble=SLOW)) as sink:
        await set_up(api, sink)
        way = open_ways(http, notification.clock)["telegram"]
        outcome = await hasty.answer(SHOP, way, ChatAnswer({"chat_id": CHAT}, text="Hello"))
        sink.release()
    await http.close()
    assert outcome == Retry("no answer within 0.2 seconds")


async def test_what_a_service_repeats_is_not_told_or_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"ok": False, "error_code": 401, "description": f"Unauthorized: {CHAT}, {LINK}?x, bot{TOKEN}"}
    response, _ = await answered(api, Answer(401, echo))
    assert response.outcome == pb.CHAT_ANSWER_OUTCOME_MISCONFIGURED
    sinks_own = ("aiohttp.",)
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith(sinks_own)]
    for secret in (CHAT, LINK, CHAT.removeprefix("-100")):
        assert not any(secret in text for text in (response.why, *logged))


async def test_only_the_services_may_call(api: Api) -> None:
    for key in (f"gbk_{SHOP.int}_secret", "another key"):
        assert await refusal(api.call_internal("AnswerChat", a_request(), key=key)) == ("KEY_UNKNOWN", {})


async def test_a_platform_that_cannot_be_is_unknown(api: Api) -> None:
    for text in ("", "plat_x", "shop"):
        call = api.call_internal("AnswerChat", a_request(platform_id=text))
        assert await refusal(call) == ("PLATFORM_UNKNOWN", {})


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"way": "carrier_pigeon"}, {"way"}),
        ({"way": ""}, {"way"}),
        ({"values": {}}, {"values['chat_id']"}),
        ({"values": {"chat_id": "@all"}}, {"values['chat_id']"}),
        ({"values": {"chat_id": "1" * 5000}}, {"values['chat_id']"}),
        ({"values": {f"n{n}": "x" for n in range(30)}}, {"values"}),
        ({"values": {"n" * 100: "x"}}, {"values"}),
        ({"way": "slack_response_url", "values": {"url": "https://evil.example/x"}}, {"values['url']"}),
        (
            {"way": "dingtalk", "values": {"url": "https://evil.example/x", "expires_at": "x"}},
            {
                "values['url']",
                "values['expires_at']",
            },
        ),
        ({"cards": [], "text": ""}, {"text"}),
        ({"cards": [], "text": " \0 "}, {"text"}),
        ({"cards": [pb.ChatCard(title="x")] * 11}, {"cards"}),
        ({"cards": [pb.ChatCard(lines=["x"])]}, {"cards[0].title"}),
        ({"cards": [pb.ChatCard(title="\u202e")]}, {"cards[0].title"}),
        ({"cards": [pb.ChatCard(title="x", lines=["x"] * 21)]}, {"cards[0].lines"}),
        ({"cards": [pb.ChatCard(title="x", url="x" * 3000)]}, {"cards[0].url"}),
        ({"cards": [pb.ChatCard(title="x", button_url="javascript:alert(1)")]}, {"cards[0].button_url"}),
        ({"cards": [pb.ChatCard(title="x"), pb.ChatCard(title="x", picture_url="data:x")]}, {"cards[1].picture_url"}),
        ({"way": "slack_channel", "values": {"channel": "C01"}, "language": "x" * 99}, {"language"}),
        ({"way": "slack_unfurl", "values": {"channel": "C01", "ts": "1.2"}}, {"cards[0].url"}),
    ],
)
async def test_what_is_wrong_is_named_by_field(api: Api, changed: dict[str, Any], fields: set[str]) -> None:
    reason, found = await refusal(api.call_internal("AnswerChat", a_request(**changed)))
    assert reason == "INVALID_ARGUMENT"
    assert set(found) == fields
    assert not any("evil" in text for text in found.values())
    assert all("must be" in text for text in found.values())


async def test_a_way_that_fails_is_an_outcome_that_tells_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> Any:
        raise ValueError(f"cannot read {CHAT}")

    monkeypatch.setattr("services.notification.answering.telegram.TelegramAnswer.answer", broken)
    response, asked = await answered(api)
    assert response.outcome == pb.CHAT_ANSWER_OUTCOME_RETRY
    assert asked == []
    assert CHAT not in response.why + caplog.text
