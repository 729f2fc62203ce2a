"""What one way to answer does and others do not."""

from dataclasses import replace

import pytest

from services.notification.answering import ChatAnswer
from services.notification.answering.registry import open_ways
from services.notification.channels import Account, Http, Misconfigured, Refused, Retry, Sent
from services.notification.testing import SLOW, Answer
from tests.support.chat_answers import (
    CARD,
    DINGTALK,
    DISCORD,
    FEISHU_CARD,
    FEISHU_MESSAGE,
    FEISHU_TEXT_BODY,
    LINK,
    NOW,
    SHOP,
    SLACK_BLOCKS,
    SLACK_CHANNEL,
    SLACK_RESPONSE_URL,
    SLACK_UNFURL,
    TELEGRAM,
    TEXT,
    WECHAT,
    WECOM,
    WHATSAPP,
    WayCase,
    play,
)

NO_PICTURE = Answer(200, {"ok": False, "error": "invalid_blocks"})


async def test_slack_unfurls_by_channel_and_ts_where_there_is_no_unfurl_id() -> None:
    where = {"channel": "C0123456789", "ts": "1503435956.000247"}
    async with play(replace(SLACK_UNFURL, values=where)) as played:
        await played.answer(CARD)
        assert played.asked[0].json() == {**where, "unfurls": {LINK: {"blocks": SLACK_BLOCKS}}}


@pytest.mark.parametrize("case", [SLACK_UNFURL, SLACK_CHANNEL, SLACK_RESPONSE_URL], ids=lambda case: case.way)
async def test_slack_gets_a_card_without_a_picture_that_it_cannot_load(case: WayCase) -> None:
    async with play(case, NO_PICTURE, case.took) as played:
        assert isinstance(await played.answer(CARD), Sent)
        first, second = (request.body.decode() for request in played.asked)
    assert "image_url" in first
    assert "image_url" not in second
    assert "3 of 5 seats" in second


async def test_slack_refuses_a_card_for_another_reason_once() -> None:
    async with play(SLACK_CHANNEL, NO_PICTURE) as played:
        assert await played.answer(replace(CARD, picture_url="")) == Refused("invalid_blocks")
        assert len(played.asked) == 1


async def test_slack_shows_a_private_answer_to_one() -> None:
    async with play(SLACK_RESPONSE_URL) as played:
        await played.answer(CARD, is_private=True)
        assert played.asked[0].json()["response_type"] == "ephemeral"


async def test_telegram_ends_the_waiting_of_a_button_and_sends_the_message() -> None:
    async with play(TELEGRAM) as played:
        assert await played.answer(CARD, callback_query_id="4382bfdwdsb323b2d9") == Sent("43")
        query, message = played.asked
    assert query.path.endswith("/answerCallbackQuery")
    assert query.json() == {"callback_query_id": "4382bfdwdsb323b2d9"}
    assert message.json() == TELEGRAM.card


async def test_telegram_sends_the_message_though_the_press_is_too_old() -> None:
    old = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    async with play(
        TELEGRAM, Answer(400, {"ok": False, "error_code": 400, "description": old}), TELEGRAM.took
    ) as played:
        assert await played.answer(CARD, callback_query_id="4382bfdwdsb323b2d9") == Sent("43")


async def test_telegram_says_of_the_message_how_it_ended_not_of_the_waiting() -> None:
    ended = Answer(200, {"ok": True, "result": True})
    busy = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 5}}
    async with play(TELEGRAM, ended, Answer(429, busy)) as played:
        assert isinstance(await played.answer(CARD, callback_query_id="4382bfdwdsb323b2d9"), Retry)


async def test_telegram_does_not_wait_long_for_the_waiting_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notification.answering.telegram.WAITING_SECONDS", 0.1)
    async with play(TELEGRAM, Answer(trouble=SLOW), TELEGRAM.took) as played:
        assert await played.answer(CARD, callback_query_id="4382bfdwdsb323b2d9") == Sent("43")
        played.sink.release()


async def test_discord_shows_a_private_answer_to_one_and_sends_no_token_of_the_bot() -> None:
    async with play(replace(DISCORD, account={"token": "secret"})) as played:
        await played.answer(CARD, is_private=True)
        assert played.asked[0].json()["flags"] == 64
        assert "authorization" not in played.asked[0].headers


async def test_discord_opens_a_link_that_is_too_long_for_a_button_by_the_title() -> None:
    long = f"https://shop.example/{'x' * 600}"
    async with play(DISCORD) as played:
        await played.answer(replace(CARD, button_url=long))
        said = played.asked[0].json()
    assert said["embeds"][0]["url"] == long
    assert "components" not in said


async def test_dingtalk_is_not_asked_when_the_session_is_over() -> None:
    over = str(int(NOW.timestamp() * 1000))
    async with play(DINGTALK) as played:
        assert await played.answer(CARD, expires_at=over) == Refused("the session's time is over")
        assert played.asked == []


async def test_wecom_answers_no_call_to_another_application() -> None:
    async with play(WECOM) as played:
        assert isinstance(await played.answer(CARD, agent_id="1000003"), Misconfigured)
        assert played.asked == []


async def test_whatsapp_sends_a_group_text_with_the_link_and_its_own_id() -> None:
    group = "Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0MDQ2OTQyMzM4MjAZD"
    async with play(WHATSAPP) as played:
        await played.answer(CARD, type="group", to=group)
        said = played.asked[0].json()
    assert (said["recipient_type"], said["to"], said["type"]) == ("group", group, "text")
    assert said["text"]["body"].endswith(f"\nSponsored\nJoin: {CARD.button_url}")


async def test_whatsapp_names_a_user_without_a_number_as_recipient() -> None:
    async with play(WHATSAPP) as played:
        await played.answer(CARD, to="US.13491208655302741918")
        said = played.asked[0].json()
    assert said["recipient"] == "US.13491208655302741918"
    assert "to" not in said


async def test_whatsapp_answers_from_the_number_of_the_account_where_none_is_named() -> None:
    async with play(WHATSAPP) as played:
        await played.answer(CARD, phone_number_id="")
        assert played.asked[0].path == "/999999/messages"


async def test_wechat_writes_to_users_of_a_mini_program_in_text() -> None:
    async with play(replace(WECHAT, account={**WECHAT.account, "kind": "mini"})) as played:
        await played.answer(CARD)
        said = played.asked[0].json()
    assert said["msgtype"] == "text"
    assert said["text"]["content"].endswith(f"Sponsored\nJoin: {CARD.button_url}")


async def test_feishu_knows_an_answer_that_is_tried_again() -> None:
    async with play(FEISHU_MESSAGE) as played:
        await played.answer(CARD)
        await played.answer(replace(CARD, lines=("€33.90",)))
        await played.answer(CARD, message_id="om_dc13264520392913993dd051dba21dc0")
        first, again, other = (request.json()["uuid"] for request in played.asked)
    assert first == again
    assert first != other
    assert len(first) <= 50


async def test_feishu_puts_a_text_into_a_card_that_cannot_be_replied_to() -> None:
    async with play(FEISHU_CARD) as played:
        await played.answer(text=TEXT, message_id="")
        assert played.asked[0].json() == {"token": FEISHU_CARD.values["token"], "card": FEISHU_TEXT_BODY}


@pytest.mark.parametrize("case", [SLACK_RESPONSE_URL, DINGTALK], ids=lambda case: case.way)
async def test_a_url_inside_the_network_is_none_of_the_services(case: WayCase) -> None:
    """The sinks are inside: they may be asked because the operator allows it."""
    async with play(case) as played:
        guarded = Http(seconds=1, connections=1, allow_private=False)
        way = open_ways(guarded, played.clock)[case.way]
        assert set(way.check(played.values)) == {"url"}
        assert set(way.check({**played.values, "url": "https://169.254.169.254/latest"})) == {"url"}
        await guarded.close()


async def test_a_base_url_inside_the_network_is_the_platforms_to_mend() -> None:
    async with play(TELEGRAM) as played:
        guarded = Http(seconds=1, connections=1, allow_private=False)
        way = open_ways(guarded, played.clock)["telegram"]
        account = Account(SHOP, {"token": "1:x", "base_url": played.sink.url})
        said = await way.answer(ChatAnswer(played.values, (CARD,)), account)
        await guarded.close()
    assert isinstance(said, Misconfigured)
    assert played.asked == []
