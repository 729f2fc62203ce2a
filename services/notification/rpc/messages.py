"""SendMessage: reads and checks what a platform says in its own words."""

from collections.abc import Iterator
from datetime import UTC, datetime

from groupbuy.notification.v1 import events_pb2
from groupbuy.notification.v1 import messages_pb2 as pb2

from services.chassis import ids, limits, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import caller
from services.notification.channels.http import Http
from services.notification.domain import Kind, State, language_problem, member_id_problem, tags_problem
from services.notification.handlers import RemindMember, StartReminders
from services.notification.handlers.messages import (
    MessageWriter,
    NudgeTeam,
    OwnText,
    RedriveDeliveries,
    SendMessage,
    answer_of,
)
from services.notification.rpc.reading import link_problem, team_of_request, time_of
from services.notification.store import Again
from services.notification.translate import kind_of

_MESSAGES = "messages_per_second"
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_STATES = {
    events_pb2.DELIVERY_STATE_DEAD: State.DEAD,
    events_pb2.DELIVERY_STATE_REFUSED: State.REFUSED,
    events_pb2.DELIVERY_STATE_SUPPRESSED: State.SUPPRESSED,
}
_SENT = (Kind.PERSONAL, Kind.ANNOUNCEMENT)
_MOST_MEMBERS = 1000
_MOST_TEXTS = 20
_LONGEST_SUBJECT = 300
_LONGEST_BODY = 4000
_LONGEST_LABEL = 40


class MessageCalls:
    """Answers who sends."""

    def __init__(self, database: Database, clock: Clock, http: Http, starts: StartReminders) -> None:
        self._starts = starts
        self._clock = clock
        self._http = http
        self._writer = MessageWriter(database, clock)

    async def send(self, request: pb2.SendMessageRequest) -> pb2.SendMessageResponse:
        """Check and write a message."""
        requests.check_request_id(request.request_id)
        kind = kind_of(request.kind)
        problems = [*self._problems(request, kind)]
        if problems or kind is None:
            raise Rejected("INVALID_ARGUMENT", fields=tuple(FieldViolation(*problem) for problem in problems))
        limits.spend(_MESSAGES, len(request.member_ids) or 1)
        texts = [
            OwnText(text.language, text.subject.strip(), text.body, text.link, text.link_label)
            for text in request.texts
        ]
        key = RequestKey(NO_CAMPAIGN, caller(), "SendMessage", request.request_id, requests.body_hash(request))
        most = limits.allowed("messages_per_day")
        command = SendMessage(key, kind, list(request.member_ids), texts, list(request.tags), most)
        answer = answer_of(await self._writer.decide(command))
        return pb2.SendMessageResponse.FromString(answer)

    async def redrive(self, request: pb2.RedriveDeliveriesRequest) -> pb2.RedriveDeliveriesResponse:
        """Check and do it."""
        requests.check_request_id(request.request_id)
        key = RequestKey(NO_CAMPAIGN, caller(), "RedriveDeliveries", request.request_id, requests.body_hash(request))
        answer = answer_of(await self._writer.redrive(RedriveDeliveries(key, self._wanted(request))))
        return pb2.RedriveDeliveriesResponse.FromString(answer)

    async def nudge(self, request: pb2.NudgeTeamRequest) -> pb2.NudgeTeamResponse:
        """Check and do it."""
        requests.check_request_id(request.request_id)
        team = team_of_request(request.team_id)
        key = RequestKey(NO_CAMPAIGN, caller(), "NudgeTeam", request.request_id, requests.body_hash(request))
        return pb2.NudgeTeamResponse.FromString(answer_of(await self._writer.nudge(NudgeTeam(key, *team))))

    async def remind(self, request: pb2.RemindMemberRequest) -> pb2.RemindMemberResponse:
        """Check and do it."""
        requests.check_request_id(request.request_id)
        campaign = ids.parse("camp", request.campaign_id, 1)
        if campaign is None:
            raise Rejected("CAMPAIGN_UNKNOWN")
        if member_id_problem(request.member_id):
            raise Rejected("MEMBER_UNKNOWN")
        key = RequestKey(NO_CAMPAIGN, caller(), "RemindMember", request.request_id, requests.body_hash(request))
        decided = await self._starts.remind(RemindMember(key, campaign[0], request.member_id))
        return pb2.RemindMemberResponse.FromString(answer_of(decided))

    def _wanted(self, request: pb2.RedriveDeliveriesRequest) -> Again:
        states = [_STATES[state] for state in request.states if state in _STATES]
        if len(states) < len(request.states):
            raise invalid("states", "must be DEAD, REFUSED or SUPPRESSED: others have arrived, wait, or are not true")
        kinds = [kind for number in request.kinds if (kind := kind_of(number))]
        if len(kinds) < len(request.kinds):
            raise invalid("kinds", "must be kinds of messages that there are")
        since, until = time_of(request, "since") or _EVER, time_of(request, "until") or self._clock.now(caller())
        if since >= until:
            raise invalid("until", "must be after since")
        if request.member_id and (problem := member_id_problem(request.member_id)):
            raise invalid("member_id", problem)
        team = ids.parse("team", request.team_id, 2) if request.team_id else None
        if request.team_id and team is None:
            raise invalid("team_id", "is not a team's id; it looks like team_... and comes from OpenTeam")
        return Again(
            platform_id=caller(),
            states=states or (State.DEAD, State.REFUSED),
            kinds=kinds or None,
            since=since,
            until=until,
            campaign_id=team[0] if team else None,
            team_id=team[1] if team else None,
            member_id=request.member_id or None,
        )

    def _problems(self, request: pb2.SendMessageRequest, kind: Kind | None) -> Iterator[tuple[str, str]]:
        if kind not in _SENT:
            yield "kind", "must be PERSONAL or ANNOUNCEMENT"
        members = list(request.member_ids)
        if request.tags:
            if members:
                yield "tags", "go without member_ids: send one or the other"
            elif problem := tags_problem(request.tags):
                yield "tags", problem
        elif not 1 <= len(members) <= _MOST_MEMBERS or len(set(members)) < len(members):
            yield "member_ids", f"must be 1 to {_MOST_MEMBERS}, each once; make more calls for more"
        for at, member_id in enumerate(members[:_MOST_MEMBERS]):
            if problem := member_id_problem(member_id):
                yield f"member_ids[{at}]", problem
        languages = [text.language.lower() for text in request.texts]
        if not 1 <= len(languages) <= _MOST_TEXTS or len(set(languages)) < len(languages):
            yield "texts", f"must be 1 to {_MOST_TEXTS}, each language once"
        for at, text in enumerate(request.texts[:_MOST_TEXTS]):
            yield from ((f"texts[{at}].{field}", problem) for field, problem in self._text_problems(text))

    def _text_problems(self, text: pb2.MessageText) -> Iterator[tuple[str, str]]:
        if not text.language or language_problem(text.language):
            yield "language", 'must be a BCP 47 tag, for instance "en"'
        if not 1 <= len(text.subject.strip()) <= _LONGEST_SUBJECT or not text.subject.isprintable():
            yield "subject", f"must be 1 to {_LONGEST_SUBJECT} printable characters, one line"
        if not 1 <= len(text.body.strip()) <= _LONGEST_BODY or "\0" in text.body:
            yield "body", f"must be 1 to {_LONGEST_BODY} characters"
        if bool(text.link) != bool(text.link_label):
            yield "link_label", "goes with a link: set both or neither"
        if not text.link_label.isprintable() or len(text.link_label) > _LONGEST_LABEL:
            yield "link_label", f"must be at most {_LONGEST_LABEL} printable characters"
        if text.link and (problem := link_problem(self._http, text.link)):
            yield "link", problem
