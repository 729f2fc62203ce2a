"""Answers in DingTalk: messages to the session that a robot was called in.

Sources, below https://open.dingtalk.com/document/: orgapp/receive-message (sessionWebhook, sessionWebhookExpiredTime),
orgapp/robot-message-types-and-data-format (text, actionCard), orgapp/custom-robots-send-group-messages (errcode).

The URL is the permission, and no token is sent. A card's text is Markdown, and is escaped, so that nothing in it is
markup. There is no idempotency key.
"""

import re
from collections.abc import Mapping
from typing import Any

from services.chassis.clock import Clock
from services.notification.answering import Card, ChatAnswer
from services.notification.answering.values import form, own_url_problem, post, problems
from services.notification.answering.words import body, joined, packed
from services.notification.channels import Account, Http, Outcome, Refused, Retry, Sent
from services.notification.channels.dingtalk import LONGEST_TEXT, MARKUP
from services.notification.channels.http import Reply
from services.notification.channels.messenger import escaped_within, moved, shortened

_HOSTS = ("oapi.dingtalk.com", "api.dingtalk.com")
_LONGEST_LABEL = 20
_EXPIRES = form(r"[0-9]{10,16}", "a time in milliseconds since 1970")
_LATER = {-1, 130101, 410100}
"""The system is busy; too many messages."""
_GONE = {400013, 400101, 400102, 400106}
"""The group is dissolved, the session unknown, the robot stopped or not there."""
_NOT_IN_A_LINK = re.compile(r"[()\s<>\\]")


class DingTalkAnswer:
    """Answers a message to a robot. It needs no account."""

    name = "dingtalk"
    channel = "dingtalk"
    needs_account = False
    needs_words = True

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for a url of DingTalk's, and for expires_at where there is one."""
        found = problems(values, {}, {"expires_at": _EXPIRES})
        problem = own_url_problem(self._http, values.get("url", ""), _HOSTS)
        return found | ({"url": problem} if problem else {})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Post to the session, unless its time is over."""
        del account  # the URL is the permission
        ends = int(answer.values.get("expires_at") or 0)
        if ends and ends <= self._clock.now().timestamp() * 1000:
            return Refused("the session's time is over")
        reply = await post(self._http, answer.values["url"], _message(answer))
        return _outcome(reply) if isinstance(reply, Reply) else reply


def _message(answer: ChatAnswer) -> dict[str, Any]:
    if len(answer.cards) == 1 and answer.cards[0].button_url:
        return {"msgtype": "actionCard", "actionCard": _action_card(answer.cards[0])}
    text = joined(packed(answer.cards, LONGEST_TEXT, link=True)) if answer.cards else answer.text
    return {"msgtype": "text", "text": {"content": shortened(text, LONGEST_TEXT)}}


def _action_card(card: Card) -> dict[str, str]:
    text = "\n".join(filter(None, (body(card), card.footer)))
    marked = escaped_within(text, MARKUP, LONGEST_TEXT).replace("\n", "  \n")
    return {
        "title": card.title,
        "text": f"{_picture(card)}{marked}",
        "singleTitle": shortened(card.button_label, _LONGEST_LABEL),
        "singleURL": card.button_url,
    }


def _picture(card: Card) -> str:
    if not card.picture_url:
        return ""
    url = _NOT_IN_A_LINK.sub(lambda sign: f"%{ord(sign[0]):02X}", card.picture_url)
    return f"![]({url})\n\n"


def _outcome(reply: Reply) -> Outcome:
    """Read an answer: errcode, 0 where it is good."""
    if moved(reply):
        return Refused(f"HTTP {reply.status}: redirects are not followed")
    code = reply.json().get("errcode")
    if not isinstance(code, int):
        said = f"HTTP {reply.status} without the JSON of DingTalk"
        return Retry(said, reply.retry_after()) if reply.is_good or reply.is_busy else Refused(said)
    if code == 0:
        return Sent()
    if code in _LATER or reply.is_busy:
        return Retry(f"errcode {code}", reply.retry_after())
    return Refused(f"errcode {code}", is_gone=code in _GONE)
