"""The NotificationInternal service: for the other services."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from groupbuy.notification.v1 import notification_internal_pb2 as pb
from groupbuy.notification.v1 import notification_internal_pb2_grpc as pb_grpc

from services.chassis import ids, platforms
from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.server import Servicer
from services.notification.answering import ChatAnswer, Way, Ways, words
from services.notification.answering.answerer import Answerer
from services.notification.answering.places import Place, place_of
from services.notification.channels import Http, Misconfigured, Outcome, Refused, Retry, Sent
from services.notification.domain import language_problem
from services.notification.rpc.hearing import Hearing
from services.notification.rpc.reading import link_problem
from services.notification.rpc.switch import SwitchCalls
from services.notification.wechat_tickets import WeChatTickets

NAME = "groupbuy.notification.v1.NotificationInternal"
MOST_CARDS = 10
MOST_LINES = 20
MOST_VALUES = 20
_LONGEST_NAME = 64
_LONGEST_VALUE = 2048
_OUTCOMES = {
    Sent: pb.CHAT_ANSWER_OUTCOME_SENT,
    Retry: pb.CHAT_ANSWER_OUTCOME_RETRY,
    Refused: pb.CHAT_ANSWER_OUTCOME_REFUSED,
    Misconfigured: pb.CHAT_ANSWER_OUTCOME_MISCONFIGURED,
}


class InternalServicer(pb_grpc.NotificationInternalServicer):
    """Answers callers that have the services' own key."""

    def __init__(
        self,
        http: Http,
        ways: Ways,
        answerer: Answerer,
        hearing: Hearing,
        tickets: WeChatTickets,
        switch: SwitchCalls,
    ) -> None:
        self._http = http
        self._hearing = hearing
        self._ways = ways
        self._answerer = answerer
        self._tickets = tickets
        self._switch = switch

    async def AnswerChat(self, request: pb.AnswerChatRequest, _context: Any) -> pb.AnswerChatResponse:  # noqa: N802
        """Answer in a chat; INVALID_ARGUMENT, PLATFORM_UNKNOWN."""
        platform_id = _platform(request.platform_id)
        way = self._ways.get(request.way)
        if way is None:
            raise invalid("way", f"must be one of {', '.join(sorted(self._ways))}")
        if violations := tuple(self._problems(request, way)):
            raise Rejected("INVALID_ARGUMENT", fields=violations)
        answer = _answer_of(request)
        outcome = await self._answerer.answer(platform_id, way, answer)
        return _wire(outcome, place_of(way.name, answer, outcome))

    async def GetWeChatTicket(  # noqa: N802
        self, request: pb.GetWeChatTicketRequest, _context: Any
    ) -> pb.GetWeChatTicketResponse:
        """Give what pages of a platform are signed with for WeChat's browser; PLATFORM_UNKNOWN."""
        found = await self._tickets.of(_platform(request.platform_id))
        return pb.GetWeChatTicketResponse(app_id=found.app_id, ticket=found.ticket, why=found.why)

    async def HearChat(self, request: pb.HearChatRequest, _context: Any) -> pb.HearChatResponse:  # noqa: N802
        """Do what somebody did in a private chat; INVALID_ARGUMENT, PLATFORM_UNKNOWN."""
        return await self._hearing.hear(_platform(request.platform_id), request)

    async def AskSeller(self, request: pb.AskSellerRequest, _context: Any) -> pb.AskSellerResponse:  # noqa: N802
        """Keep what a member asks on its page; INVALID_ARGUMENT, PLATFORM_UNKNOWN, TOO_MANY_MESSAGES."""
        return await self._hearing.ask(_platform(request.platform_id), request)

    async def GetConversation(  # noqa: N802
        self, request: pb.GetConversationRequest, _context: Any
    ) -> pb.GetConversationResponse:
        """Read what a member's page shows of chats; INVALID_ARGUMENT, PLATFORM_UNKNOWN."""
        return await self._hearing.conversation(_platform(request.platform_id), request)

    async def MakeMemberChatCode(  # noqa: N802
        self, request: pb.MakeMemberChatCodeRequest, _context: Any
    ) -> pb.MakeMemberChatCodeResponse:
        """Make a code for a member; INVALID_ARGUMENT, PLATFORM_UNKNOWN, MEMBER_UNKNOWN."""
        return await self._hearing.make_code(_platform(request.platform_id), request)

    async def EndMemberChats(  # noqa: N802
        self, request: pb.EndMemberChatsRequest, _context: Any
    ) -> pb.EndMemberChatsResponse:
        """Forget chats of a member; INVALID_ARGUMENT, PLATFORM_UNKNOWN."""
        return await self._hearing.end(_platform(request.platform_id), request)

    async def GetMessageSwitch(  # noqa: N802
        self, request: pb.GetMessageSwitchRequest, _context: Any
    ) -> pb.GetMessageSwitchResponse:
        """Say whether messages to a member are on."""
        return await self._switch.get(request)

    async def SetMessageSwitch(  # noqa: N802
        self, request: pb.SetMessageSwitchRequest, _context: Any
    ) -> pb.SetMessageSwitchResponse:
        """Turn messages to a member on or off."""
        return await self._switch.set(request)

    def _problems(self, request: pb.AnswerChatRequest, way: Way) -> Iterator[FieldViolation]:
        """Find every field that is wrong."""
        found = {"language": language_problem(request.language)}
        found |= _values_problems(request.values, way)
        if len(request.cards) > MOST_CARDS:
            found["cards"] = f"must be at most {MOST_CARDS}"
        for at, card in enumerate(request.cards[:MOST_CARDS]):
            found |= {f"cards[{at}].{name}": problem for name, problem in self._card_problems(card, way).items()}
        if way.needs_words and not request.cards and not words.cleaned(request.text):
            found["text"] = "must be set where there are no cards"
        return (FieldViolation(name, problem) for name, problem in found.items() if problem)

    def _card_problems(self, card: pb.ChatCard, way: Way) -> dict[str, str | None]:
        needs_url = way.name == "slack_unfurl" and not card.url
        return {
            "url": "must be set: it is what is unfurled" if needs_url else _length_problem(card.url),
            "title": None if words.line(card.title, 1) else "must be set",
            "lines": f"must be at most {MOST_LINES}" if len(card.lines) > MOST_LINES else None,
            "button_url": link_problem(self._http, card.button_url) if card.button_url else None,
            "picture_url": link_problem(self._http, card.picture_url) if card.picture_url else None,
        }


def _platform(text: str) -> UUID:
    found = ids.parse(platforms.ID_PREFIX, text, 1)
    if found is None:
        raise Rejected("PLATFORM_UNKNOWN")
    return found[0]


def _length_problem(text: str) -> str | None:
    return f"must be at most {_LONGEST_VALUE} characters" if len(text) > _LONGEST_VALUE else None


def _values_problems(values: Mapping[str, str], way: Way) -> dict[str, str | None]:
    """Look at the size of values, then at what the way needs of them; what is in them is not repeated."""
    if len(values) > MOST_VALUES or any(len(name) > _LONGEST_NAME for name in values):
        return {"values": f"must be at most {MOST_VALUES}, with names of at most {_LONGEST_NAME} characters"}
    long = {f"values[{name!r}]": _length_problem(value) for name, value in values.items()}
    if any(long.values()):
        return long
    return {f"values[{name!r}]": problem for name, problem in way.check(values).items()}


def _answer_of(request: pb.AnswerChatRequest) -> ChatAnswer:
    cards = (
        words.card(
            title=card.title,
            lines=card.lines,
            footer=card.footer,
            url=card.url,
            button_label=card.button_label,
            button_url=card.button_url,
            picture_url=card.picture_url,
        )
        for card in request.cards
    )
    return ChatAnswer(dict(request.values), tuple(cards), words.cleaned(request.text), request.is_private)


def _wire(outcome: Outcome, place: Place | None) -> pb.AnswerChatResponse:
    response = pb.AnswerChatResponse(outcome=_OUTCOMES[type(outcome)])
    if place:
        response.place.CopyFrom(pb.ChatAnswerPlace(way=place.way, values=place.values))
    if not isinstance(outcome, Sent):
        response.why = outcome.detail
    response.whole_account = isinstance(outcome, Retry) and outcome.whole_account
    if isinstance(outcome, Retry) and outcome.after is not None:
        after = Duration()
        after.FromTimedelta(outcome.after)
        response.retry_after.CopyFrom(after)
    return response


def internal_servicer(implementation: InternalServicer) -> Servicer:
    """Name the service for the server."""
    return Servicer(NAME, implementation, pb_grpc.add_NotificationInternalServicer_to_server)
