"""Answers that stand in a chat and are changed: where each stands is told, and another one takes its place."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from services.notification.answering import ChatAnswer
from services.notification.answering.places import place_of
from services.notification.channels import Refused, Retry, Sent
from services.notification.testing import Answer
from tests.support.chat_answers import (
    CARD,
    DINGTALK,
    DISCORD,
    FEISHU_CARD,
    FEISHU_CARD_BODY,
    FEISHU_MESSAGE,
    FEISHU_PREVIEW,
    LINE,
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

CARD_IN_FEISHU = "om_dc13264520392913993dd051dba21dcf"


@dataclass(frozen=True)
class Change:
    """How a service is asked to change what it has shown."""

    case: WayCase
    message: str
    """The id of the message that stands there."""
    method: str
    path: str
    left_out: frozenset[str] = frozenset()
    """What is said when an answer is given, and not when it is changed."""
    added: tuple[tuple[str, Any], ...] = ()
    took: Answer | None = None


CHANGES = [
    Change(TELEGRAM, "43", "POST", "/editMessageText", frozenset({"reply_parameters"}), (("message_id", 43),)),
    Change(
        SLACK_CHANNEL,
        "1503435956.000247",
        "POST",
        "/chat.update",
        frozenset({"thread_ts", "unfurl_links", "unfurl_media"}),
        (("ts", "1503435956.000247"),),
    ),
    Change(DISCORD, "1302264421777477633", "PATCH", "/messages/1302264421777477633", added=(("content", ""),)),
    Change(
        FEISHU_MESSAGE,
        CARD_IN_FEISHU,
        "PATCH",
        f"/open-apis/im/v1/messages/{CARD_IN_FEISHU}",
        frozenset({"msg_type", "uuid"}),
        took=Answer(200, {"code": 0, "data": {}}),
    ),
]
BY_WAY = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.case.way)


@BY_WAY
async def test_another_card_takes_the_place_of_the_one_that_stands_there(change: Change) -> None:
    async with play(change.case, change.took or change.case.took) as played:
        outcome = await played.answer(CARD, edits=change.message)
        assert isinstance(outcome, Sent)
        [asked] = played.asked
    assert (asked.method, asked.path.endswith(change.path)) == (change.method, True), asked.path
    expected = {name: value for name, value in change.case.card.items() if name not in change.left_out}
    assert asked.json() == {**expected, **dict(change.added)}


@BY_WAY
async def test_where_an_answer_stands_is_told_when_it_is_given_and_when_it_is_changed(change: Change) -> None:
    given = place_of(change.case.way, ChatAnswer(change.case.values, (CARD,)), Sent(change.message))
    assert given
    assert (given.way, given.values["edits"]) == (change.case.way, change.message)
    assert change.message not in repr(given)
    changed = place_of(given.way, ChatAnswer(given.values, (CARD,)), Sent(change.message))
    assert changed == given
    assert place_of(change.case.way, ChatAnswer(change.case.values, (CARD,)), Sent("")) is None
    for end in (Refused("gone"), Retry("later")):
        assert place_of(change.case.way, ChatAnswer(change.case.values, (CARD,)), end) is None


@BY_WAY
async def test_the_place_of_an_answer_is_one_that_its_way_takes(change: Change) -> None:
    given = place_of(change.case.way, ChatAnswer(change.case.values, (CARD,)), Sent(change.message))
    assert given
    async with play(replace(change.case, values=given.values), change.took or change.case.took) as played:
        assert isinstance(await played.answer(text=TEXT), Sent)
        assert played.asked[0].path.endswith(change.path)


async def test_a_preview_in_slack_is_changed_by_channel_and_ts_and_not_while_it_is_written() -> None:
    where = {"channel": "C0123456789", "ts": "1503435956.000247"}
    values = {**where, "unfurl_id": "C123456.1620.abc", "source": "conversations_history"}
    place = place_of("slack_unfurl", ChatAnswer(values, (CARD,)), Sent())
    assert place
    assert place.values == where
    assert place_of("slack_unfurl", ChatAnswer(SLACK_UNFURL.values, (CARD,)), Sent()) is None


async def test_a_card_in_feishu_is_changed_as_the_message_that_it_is() -> None:
    place = place_of("feishu_card", ChatAnswer(FEISHU_CARD.values, (CARD,)), Sent())
    assert place
    assert place.way == "feishu_message"
    async with play(replace(FEISHU_MESSAGE, values=place.values), Answer(200, {"code": 0, "data": {}})) as played:
        assert await played.answer(CARD) == Sent(CARD_IN_FEISHU)
        [asked] = played.asked
    assert json.loads(asked.json()["content"]) == FEISHU_CARD_BODY
    of_text = place_of("feishu_card", ChatAnswer(FEISHU_CARD.values, text=TEXT), Sent("om_reply"))
    assert of_text
    assert of_text.values == {"edits": "om_reply"}
    assert place_of("feishu_card", ChatAnswer({"token": "c-1"}, (CARD,)), Sent()) is None


async def test_a_preview_in_feishu_is_asked_for_again_by_its_token() -> None:
    place = place_of("feishu_preview", ChatAnswer(FEISHU_PREVIEW.values), Sent())
    assert place
    assert place.values == FEISHU_PREVIEW.values


@pytest.mark.parametrize(
    "case", [LINE, WHATSAPP, WECHAT, WECOM, DINGTALK, SLACK_RESPONSE_URL], ids=lambda case: case.way
)
def test_what_a_service_lets_nobody_change_has_no_place(case: WayCase) -> None:
    assert place_of(case.way, ChatAnswer(case.values, (CARD,)), Sent("461230966842064897")) is None


async def test_a_message_of_discord_whose_time_is_over_is_not_changed() -> None:
    over = Answer(404, {"code": 10015, "message": "Unknown Webhook"})
    async with play(DISCORD, over) as played:
        assert isinstance(await played.answer(CARD, edits="1302264421777477633"), Refused)


async def test_a_message_of_telegram_that_reads_so_already_is_changed() -> None:
    same = Answer(400, {"ok": False, "error_code": 400, "description": "Bad Request: message is not modified"})
    async with play(TELEGRAM, same) as played:
        assert await played.answer(CARD, edits="43") == Sent("43")
