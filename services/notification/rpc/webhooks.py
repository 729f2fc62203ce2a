"""A platform's webhook endpoints: put, listed, tested, looked at and told again."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from groupbuy.notification.v1 import platform_webhooks_pb2 as pb2

from services.chassis import ids, pages, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.requests import NO_CAMPAIGN, Answer, RequestKey
from services.chassis.sealing import NotOpened
from services.chassis.server import caller
from services.notification import store
from services.notification.channels.http import Http
from services.notification.channels.registry import TESTS_AT_ONCE
from services.notification.domain import matching, patterns_problem
from services.notification.handlers.endpoints import (
    DeleteEndpoint,
    EndpointWriter,
    PutEndpoint,
    RedrivePosts,
    RotateSecret,
)
from services.notification.poster import Desk
from services.notification.rpc.reading import time_of
from services.notification.sandbox import Sandbox, keep
from services.notification.store import AttemptFilter, EndpointRow, PostAttempt, Redrive
from services.notification.translate import event_types, wire_endpoint
from services.notification.webhook_secrets import WebhookSecrets

_LONGEST_DESCRIPTION = 200
_USUAL_OLD = timedelta(days=1)
_LONGEST_OLD = timedelta(days=7)
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


class WebhookCalls:
    """Answers what concerns endpoints."""

    def __init__(self, database: Database, clock: Clock, http: Http, secrets: WebhookSecrets, sandbox: Sandbox) -> None:
        self._database = database
        self._clock = clock
        self._http = http
        self._secrets = secrets
        self._desk = Desk(http, clock, secrets, sandbox)
        self._tests = asyncio.Semaphore(TESTS_AT_ONCE)
        self._writer = EndpointWriter(database, clock, secrets)

    async def put(self, request: pb2.PutWebhookEndpointRequest) -> pb2.PutWebhookEndpointResponse:
        """Register or change an endpoint."""
        requests.check_request_id(request.request_id)
        wanted = request.endpoint
        endpoint_id = _endpoint(wanted.endpoint_id) if wanted.endpoint_id else None
        self._check(wanted)
        command = PutEndpoint(
            key=_key("PutWebhookEndpoint", request),
            endpoint_id=endpoint_id,
            url=wanted.url,
            description=wanted.description,
            patterns=list(wanted.types),
            types=matching(wanted.types, event_types()),
            in_order=wanted.in_order,
            disabled=wanted.disabled,
        )
        answer = pb2.PutWebhookEndpointResponse.FromString(_answer(await self._writer.decide(command)))
        answer.secret = await self._secret(answer.endpoint.endpoint_id)
        return answer

    async def rotate(self, request: pb2.RotateWebhookSecretRequest) -> pb2.RotateWebhookSecretResponse:
        """Give an endpoint a new secret."""
        requests.check_request_id(request.request_id)
        endpoint_id, old_valid = _endpoint(request.endpoint_id), _USUAL_OLD
        if request.HasField("old_valid_seconds"):
            old_valid = timedelta(seconds=request.old_valid_seconds)
        if not timedelta() <= old_valid <= _LONGEST_OLD:
            raise invalid("old_valid_seconds", "must be 0 to 604800, a week")
        command = RotateSecret(_key("RotateWebhookSecret", request), endpoint_id, old_valid)
        answer = pb2.PutWebhookEndpointResponse.FromString(_answer(await self._writer.decide(command)))
        return pb2.RotateWebhookSecretResponse(secret=await self._secret(answer.endpoint.endpoint_id))

    async def delete(self, request: pb2.DeleteWebhookEndpointRequest) -> pb2.DeleteWebhookEndpointResponse:
        """Forget an endpoint."""
        requests.check_request_id(request.request_id)
        command = DeleteEndpoint(_key("DeleteWebhookEndpoint", request), _endpoint(request.endpoint_id))
        _answer(await self._writer.decide(command))
        return pb2.DeleteWebhookEndpointResponse()

    async def list(self) -> pb2.ListWebhookEndpointsResponse:
        """List the platform's endpoints."""
        async with self._database.read() as connection:
            rows = await store.list_endpoints(connection, caller())
        return pb2.ListWebhookEndpointsResponse(endpoints=[wire_endpoint(row, waiting) for row, waiting in rows])

    async def test(self, request: pb2.SendTestEventRequest) -> pb2.SendTestEventResponse:
        """Post a test event now, and write the attempt down."""
        row = await self._find(request.endpoint_id)
        async with self._tests:
            attempt, captured = await self._desk.test(row)
        async with self._database.work() as work:
            await store.insert_post_attempts(work.connection, [attempt])
            await keep(work.connection, [captured] if captured else [])
        return pb2.SendTestEventResponse(attempt=_wire_attempt(attempt))

    async def attempts(self, request: pb2.ListWebhookAttemptsRequest) -> pb2.ListWebhookAttemptsResponse:
        """List attempts, the newest first."""
        endpoint_id = _endpoint(request.endpoint_id) if request.endpoint_id else None
        wanted = AttemptFilter(caller(), endpoint_id, _event(request.webhook_id), request.failed_only)
        size, of = pages.size(request.page_size), f"webhook attempts {wanted}"
        before = _attempt_before(request.page_token, of)
        async with self._database.read() as connection:
            rows = await store.list_post_attempts(connection, wanted, before, size + 1)
        shown = rows[:size]
        return pb2.ListWebhookAttemptsResponse(
            attempts=[_wire_attempt(row) for row in shown],
            next_page_token=pages.token(str(shown[-1].attempt_id), of) if len(rows) > size else "",
        )

    async def redrive(self, request: pb2.RedriveWebhooksRequest) -> pb2.RedriveWebhooksResponse:
        """Have an endpoint told again."""
        requests.check_request_id(request.request_id)
        endpoint_id = _endpoint(request.endpoint_id)
        if problem := patterns_problem(request.types, event_types()):
            raise invalid("types", problem)
        since, until = time_of(request, "since") or _EVER, time_of(request, "until") or self._clock.now(caller())
        if since >= until:
            raise invalid("until", "must be after since")
        wanted = Redrive(matching(request.types, event_types()), since, until, request.taken_too)
        command = RedrivePosts(_key("RedriveWebhooks", request), endpoint_id, wanted)
        return pb2.RedriveWebhooksResponse.FromString(_answer(await self._writer.decide(command)))

    def _check(self, wanted: pb2.WebhookEndpoint) -> None:
        """Refuse an endpoint with every field that is wrong."""
        text = wanted.description
        found = {
            "endpoint.url": self._http.url_problem(wanted.url),
            "endpoint.description": None
            if len(text) <= _LONGEST_DESCRIPTION and text.isprintable()
            else f"must be at most {_LONGEST_DESCRIPTION} printable characters",
            "endpoint.types": _types_problem(wanted.types),
        }
        violations = tuple(FieldViolation(field, problem) for field, problem in found.items() if problem)
        if violations:
            raise Rejected("INVALID_ARGUMENT", fields=violations)

    async def _find(self, text: str) -> EndpointRow:
        key = caller(), _endpoint(text)
        async with self._database.read() as connection:
            found = await store.find_endpoints(connection, [key])
        if key not in found:
            raise Rejected("WEBHOOK_ENDPOINT_UNKNOWN")
        return found[key]

    async def _secret(self, text: str) -> str:
        """Read an endpoint's secret for an answer, as none is stored open; empty where it or its key is gone since."""
        try:
            return self._secrets.secret(await self._find(text))
        except (Rejected, NotOpened):
            return ""


def _key(rpc: str, request: Any) -> RequestKey:
    return RequestKey(NO_CAMPAIGN, caller(), rpc, request.request_id, requests.body_hash(request))


def _types_problem(patterns: Sequence[str]) -> str | None:
    if not patterns:
        return 'must be 1 name or pattern at least; "*" means every event'
    return patterns_problem(patterns, event_types())


def _endpoint(text: str) -> UUID:
    found = ids.parse("hook", text, 1)
    if found is None:
        raise Rejected("WEBHOOK_ENDPOINT_UNKNOWN")
    return found[0]


def _event(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise invalid("webhook_id", "is no webhook-id; it is a UUID, as the header has it") from None


def _attempt_before(token: str, of: str) -> UUID | None:
    position = pages.read(token, of)
    try:
        return UUID(position) if position else None
    except ValueError:
        raise Rejected("PAGE_TOKEN_INVALID") from None


def _wire_attempt(row: PostAttempt) -> pb2.WebhookAttempt:
    wire = pb2.WebhookAttempt(
        endpoint_id=ids.opaque("hook", row.endpoint_id),
        webhook_id=str(row.event_id),
        type=row.type,
        number=row.number,
        milliseconds=row.milliseconds,
        status=row.status,
        answer=row.answer,
        problem=row.problem,
        taken=200 <= row.status < 300,  # noqa: PLR2004 - RFC 9110 section 15.3
    )
    wire.attempted_at.FromDatetime(row.attempted_at)
    return wire


def _answer(decided: Answer) -> bytes:
    if isinstance(decided, Rejected):
        raise decided
    return decided
