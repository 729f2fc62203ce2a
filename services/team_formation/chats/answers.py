"""Has notification answer in a chat: it alone has the apps' tokens. One call is one attempt."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

import grpc
from groupbuy.notification.v1 import notification_internal_pb2 as pb2
from groupbuy.notification.v1 import notification_internal_pb2_grpc

from services.chassis import ids
from services.team_formation import translate
from services.team_formation.chats.cards import Card
from services.team_formation.chats.finding import Found
from services.team_formation.hooks.reading.incoming import Reply, Way

CALL_SECONDS = 20.0

Stub: TypeAlias = "notification_internal_pb2_grpc.NotificationInternalAsyncStub"


class End(StrEnum):
    """How an attempt ended."""

    SENT = "SENT"
    RETRY = "RETRY"
    REFUSED = "REFUSED"
    MISCONFIGURED = "MISCONFIGURED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt; `why` is for operators."""

    end: End
    why: str = ""
    retry_after: timedelta | None = None
    place: Reply | None = None
    """Where the answer stands, so that another one can be put in its place; None where none can."""
    whole_account: bool = False
    """The service slows all that the app sends there, not this chat alone."""


_ENDS = {
    pb2.CHAT_ANSWER_OUTCOME_SENT: End.SENT,
    pb2.CHAT_ANSWER_OUTCOME_RETRY: End.RETRY,
    pb2.CHAT_ANSWER_OUTCOME_REFUSED: End.REFUSED,
    pb2.CHAT_ANSWER_OUTCOME_MISCONFIGURED: End.MISCONFIGURED,
}

_WAYS = frozenset(Way)


class Answers:
    """Answers in chats through notification."""

    def __init__(self, stub: Stub, service_key: str) -> None:
        self._stub = stub
        self._metadata = (("authorization", f"Bearer {service_key}"),)

    async def give(self, platform_id: UUID, reply: Reply, found: Found) -> Outcome:
        """Answer with cards, or where there are none with a text."""
        request = pb2.AnswerChatRequest(
            platform_id=ids.opaque(translate.PLATFORM, platform_id),
            way=str(reply.way),
            values=reply.values,
            cards=[_card(card) for card in found.cards],
            text=found.text,
            language=found.language,
            is_private=found.is_private,
        )
        try:
            answer = await self._stub.AnswerChat(request, metadata=self._metadata, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                return Outcome(End.REFUSED, "notification cannot read it")
            return Outcome(End.RETRY, f"notification: {error.code().name}")
        after = answer.retry_after.ToTimedelta() if answer.HasField("retry_after") else None
        return Outcome(_ENDS.get(answer.outcome, End.RETRY), answer.why, after, _place(answer), answer.whole_account)


def _place(answer: pb2.AnswerChatResponse) -> Reply | None:
    """Read where an answer stands; one of a way that is not known here is not changed."""
    if answer.place.way not in _WAYS:
        return None
    return Reply(Way(answer.place.way), dict(answer.place.values))


def _card(card: Card) -> pb2.ChatCard:
    return pb2.ChatCard(
        url=card.url,
        title=card.title,
        lines=card.lines,
        footer=card.footer,
        button_label=card.button_label,
        button_url=card.button_url,
    )
