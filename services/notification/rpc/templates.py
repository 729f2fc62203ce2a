"""Templates: a platform's own words, which there are, and how they read."""

from groupbuy.notification.v1 import events_pb2
from groupbuy.notification.v1 import templates_pb2 as pb2

from services.chassis import pages, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import caller
from services.notification import store
from services.notification.channels import Channels
from services.notification.domain import EXAMPLE_TEAM, EXAMPLES, Kind, Template, choose, language_problem, usual_case
from services.notification.grammar import TemplateProblem
from services.notification.handlers import PutTemplate, TemplateWriter
from services.notification.rendering import Words, check_own, render, wanted_languages
from services.notification.rpc.channels import find_channel
from services.notification.rpc.reading import time_zone_problem
from services.notification.store import TemplateFilter, TemplatePosition, TemplateRow

_MOST_SHOWN = 100


class TemplateCalls:
    """Answers what concerns templates."""

    def __init__(self, database: Database, clock: Clock, channels: Channels) -> None:
        self._database = database
        self._channels = channels
        self._writer = TemplateWriter(database, clock)

    async def put(self, request: pb2.PutTemplateRequest) -> pb2.PutTemplateResponse:
        """Put a template."""
        requests.check_request_id(request.request_id)
        template = self._named(request)
        template = _with_source(template, request.subject, request.body)
        key = RequestKey(NO_CAMPAIGN, caller(), "PutTemplate", request.request_id, requests.body_hash(request))
        return pb2.PutTemplateResponse.FromString(await self._decided(PutTemplate(key, template)))

    async def delete(self, request: pb2.DeleteTemplateRequest) -> pb2.DeleteTemplateResponse:
        """Take a template out of use."""
        requests.check_request_id(request.request_id)
        template = self._named(request)
        key = RequestKey(NO_CAMPAIGN, caller(), "DeleteTemplate", request.request_id, requests.body_hash(request))
        await self._decided(PutTemplate(key, template, delete=True))
        return pb2.DeleteTemplateResponse()

    async def list(self, request: pb2.ListTemplatesRequest) -> pb2.ListTemplatesResponse:
        """List the platform's templates."""
        wanted = TemplateFilter(caller(), _kind(request.kind) if request.kind else None, request.all_versions)
        size = min(pages.size(request.page_size), _MOST_SHOWN)
        after = _read_token(wanted, request.page_token)
        async with self._database.read() as connection:
            rows = await store.list_templates(connection, wanted, after, size + 1)
        answer = pb2.ListTemplatesResponse(templates=map(_wire, rows[:size]))
        if len(rows) > size:
            answer.next_page_token = _token(wanted, rows[size - 1].template)
        return answer

    async def preview(self, request: pb2.PreviewTemplateRequest) -> pb2.PreviewTemplateResponse:
        """Show how a message reads."""
        named = self._named(request)
        if problem := time_zone_problem(request.time_zone):
            raise invalid("time_zone", problem)
        is_tried = bool(request.subject or request.body)
        own: Template | None = _with_source(named, request.subject, request.body) if is_tried else None
        if not is_tried:
            async with self._database.read() as connection:
                templates = await store.find_templates(connection, caller())
            own = choose(templates, named.kind, named.channel, wanted_languages(named.language))
        shown = [
            render(named.kind, facts, EXAMPLE_TEAM, named.language, request.time_zone, own)
            for facts in EXAMPLES[named.kind]
        ]
        used = pb2.TemplateUsed(channel=shown[0].channel, language=shown[0].language, version=shown[0].version)
        return pb2.PreviewTemplateResponse(previews=map(_preview, shown), template=None if is_tried else used)

    def _named(
        self, request: pb2.PutTemplateRequest | pb2.DeleteTemplateRequest | pb2.PreviewTemplateRequest
    ) -> Template:
        """Read kind, channel and language; INVALID_ARGUMENT, CHANNEL_UNKNOWN."""
        kind = _kind(request.kind)
        if not request.language:
            raise invalid("language", 'must be given, a BCP 47 tag, for instance "en" or "zh-Hans"')
        if language_problem(request.language):
            raise invalid("language", 'must be a BCP 47 tag, for instance "en" or "zh-Hans"')
        if request.channel:
            find_channel(self._channels, request.channel)
        return Template(kind, request.channel, usual_case(request.language), 0, "", "")

    async def _decided(self, command: PutTemplate) -> bytes:
        decided = await self._writer.decide(command)
        if isinstance(decided, Rejected):
            raise decided
        return decided


def _kind(value: events_pb2.MessageKind.ValueType) -> Kind:
    names = {events_pb2.MessageKind.Value(f"MESSAGE_KIND_{kind}"): kind for kind in EXAMPLES}
    if value not in names:
        raise invalid("kind", f"must be a kind of message that has a template: {', '.join(EXAMPLES)}")
    return names[value]


def _with_source(named: Template, subject: str, body: str) -> Template:
    """Give a template its source, once that can be used; INVALID_ARGUMENT, TEMPLATE_INVALID."""
    missing = [name for name, text in (("subject", subject), ("body", body)) if not text.strip()]
    if missing:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(FieldViolation(name, "must not be empty") for name in missing))
    plain = [text.replace("\r\n", "\n") for text in (subject, body)]
    template = Template(named.kind, named.channel, named.language, named.version, *plain)
    try:
        check_own(template)
    except TemplateProblem as wrong:
        raise Rejected("TEMPLATE_INVALID", {"position": wrong.position, "problem": wrong.problem}) from None
    return template


def _wire(row: TemplateRow) -> pb2.MessageTemplate:
    item = row.template
    wire = pb2.MessageTemplate(
        kind=events_pb2.MessageKind.Value(f"MESSAGE_KIND_{item.kind}"),
        channel=item.channel,
        language=item.language,
        version=item.version,
        subject=item.subject,
        body=item.body,
        current=row.is_current,
    )
    wire.created_at.FromDatetime(row.created_at)
    return wire


def _preview(words: Words) -> pb2.TemplatePreview:
    return pb2.TemplatePreview(
        subject=words.subject,
        body=words.body,
        subject_length=len(words.subject),
        body_length=len(words.body),
    )


def _token(wanted: TemplateFilter, last: Template) -> str:
    return pages.token(f"{last.kind} {last.channel} {last.language} {last.version}", _of(wanted))


def _read_token(wanted: TemplateFilter, token: str) -> TemplatePosition | None:
    position = pages.read(token, _of(wanted))
    if position is None:
        return None
    kind, channel, language, version = position.split(" ")
    return kind, channel, language, int(version)


def _of(wanted: TemplateFilter) -> str:
    return f"templates/{wanted.platform_id}/{wanted.kind}/{wanted.all_versions}"
