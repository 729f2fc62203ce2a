"""The poster: claims posts whose turn has come, signs and posts each once, and has what came of it recorded.

At least once: a poster that dies between the answer and the record lets its claim run out, and the event is posted
again with the same `webhook-id`.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.chassis import ids, logs, spans, trace
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.sealing import NotOpened
from services.chassis.twins import is_test
from services.chassis.work import Work
from services.notification import metrics, store
from services.notification.channels.http import Http, NotAllowed, NotReached
from services.notification.domain import ANSWER_BYTES, Again, Follows, Posted, PostState, follows, rest_after
from services.notification.flights import Flights, Pace, recorded
from services.notification.handlers.platform_events import tell
from services.notification.sandbox import Event, Sandbox, keep
from services.notification.signatures import signed_headers
from services.notification.store import (
    CapturedRow,
    ClaimedPost,
    EndpointKey,
    EndpointRow,
    LockedPost,
    PostAttempt,
    PostKey,
)
from services.notification.translate import TEST_TYPE, body_of, body_of_test, endpoint_disabled, envelope_of
from services.notification.webhook_secrets import WebhookSecrets

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """One attempt that was made under a claim."""

    post: ClaimedPost
    at: datetime
    milliseconds: int
    posted: Posted
    captured: CapturedRow | None = None
    """What was kept instead of being posted, of a test platform."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt: when it was made, how long it took, what came of it, and what was kept instead."""

    at: datetime
    milliseconds: int
    posted: Posted
    captured: CapturedRow | None = None


class Desk:
    """Posts one event to one endpoint, once; of a test platform it keeps the post instead."""

    def __init__(self, http: Http, clock: Clock, secrets: WebhookSecrets, sandbox: Sandbox) -> None:
        self._http = http
        self._clock = clock
        self._secrets = secrets
        self._sandbox = sandbox

    async def post(self, endpoint: EndpointRow, event: Event, body: bytes) -> Tried:
        """Post a body; NotOpened."""
        at, began = self._clock.now(endpoint.platform_id), time.monotonic()
        headers = signed_headers(str(event.event_id), at, body, self._secrets.valid(endpoint, at))
        headers |= {"content-type": "application/json"}
        if is_test(endpoint.platform_id):
            posted, captured = await self._sandbox.post(endpoint, event, body, headers, at)
            return Tried(at, 0, posted, captured)
        posted = await self._try(endpoint, body, headers)
        return Tried(at, round((time.monotonic() - began) * 1000), posted)

    async def test(self, endpoint: EndpointRow) -> tuple[PostAttempt, CapturedRow | None]:
        """Post a test event; nothing is recorded here."""
        event, now = Event(ids.new_id(), TEST_TYPE, 1), self._clock.now(endpoint.platform_id)
        body = body_of_test(ids.opaque("hook", endpoint.endpoint_id), now)
        try:
            tried = await self.post(endpoint, event, body)
        except NotOpened:
            tried = Tried(now, 0, Posted(0, problem="its secret cannot be opened for now"))
        attempt = _attempt(
            endpoint.key, event.event_id, event.type, event.number, tried.at, tried.milliseconds, tried.posted
        )
        return attempt, tried.captured

    async def _try(self, endpoint: EndpointRow, body: bytes, headers: Mapping[str, str]) -> Posted:
        try:
            reply = await self._http.post(endpoint.url, data=body, headers=headers, traced=True)
        except (NotAllowed, NotReached) as problem:
            return Posted(0, problem=str(problem))
        said = reply.body[:ANSWER_BYTES].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        return Posted(reply.status, said, retry_after=reply.retry_after())


class Poster:
    """The part of a process that posts. `record` stores an attempt and returns when it is committed."""

    def __init__(
        self, database: Database, clock: Clock, desk: Desk, record: Callable[[Made], Awaitable[None]], pace: Pace
    ) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk
        self._record = record
        self._pace = pace
        self._flights: Flights[ClaimedPost] = Flights(pace)

    async def run(self) -> None:
        """Post for as long as the process runs."""
        await self._flights.run(self._database.wakes, store.EVENTS_WAKE_CHANNEL, self.run_once, self._clock)

    async def stop(self) -> None:
        """Claim nothing more, let what is under way end, and give back what did not."""
        given_up = await self._flights.stop()
        if given_up:
            async with self._database.work() as work:
                await store.release_posts(work.connection, given_up)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        await self._flights.idle()

    async def run_once(self) -> int:
        """Claim what is due, as far as there is room, and begin to post it; returns the number claimed."""
        async with self._flights.claiming:
            if self._flights.stopping or not self._flights.free:
                return 0
            now = self._clock.now()
            busy = [(lane, count) for lane, count in self._flights.busy.items() if isinstance(lane, UUID)]
            async with self._database.work() as work:
                claimed = await store.claim_posts(
                    work.connection,
                    busy,
                    self._pace.per_lane,
                    self._flights.free,
                    ids.new_id(),
                    now,
                    now + self._pace.lease,
                    self._clock.ahead(),
                )
                keys = sorted({item.endpoint for item in claimed})
                endpoints = await store.find_endpoints(work.connection, keys) if keys else {}
            for item in claimed:
                metrics.POSTS_IN_FLIGHT.inc()
                attempt = self._attempt(item, endpoints[item.endpoint])
                self._flights.begin(item, item.endpoint_id, attempt, metrics.POSTS_IN_FLIGHT.dec)
        return len(claimed)

    async def _attempt(self, item: ClaimedPost, endpoint: EndpointRow) -> None:
        body = body_of(item.type, item.occurred_at, envelope_of(item.type, item.value))
        trace.go_on(item.traceparent)  # a task of its own
        with spans.under(f"post {item.type}", {"groupbuy.attempt": item.attempts + 1}):
            await self._post(item, endpoint, body)

    async def _post(self, item: ClaimedPost, endpoint: EndpointRow, body: bytes) -> None:
        try:
            tried = await self._desk.post(endpoint, Event(item.event_id, item.type, item.attempts + 1), body)
        except NotOpened as problem:  # the operator's trouble, not the endpoint's: it comes again when the claim ends
            log.error("webhook secret does not open", endpoint=str(item.endpoint_id), why=str(problem))  # noqa: TRY400 - the reason is enough
            return
        await recorded(self._record, Made(item, tried.at, tried.milliseconds, tried.posted, tried.captured))


class PostRecorder:
    """Writes what came of attempts, and what follows. `jitter` gives chance between 0 and 1."""

    def __init__(self, database: Database, clock: Clock, jitter: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._jitter = jitter

    async def record(self, batch: Sequence[Made]) -> list[None]:
        """Record attempts in one transaction.

        An attempt is kept whoever holds the post by now; one that was taken ends it even if the claim has run out.
        """
        nows = {item.post.platform_id: self._clock.now(item.post.platform_id) for item in batch}
        taken = {item.post.endpoint for item in batch if item.posted.taken}
        steps = _Steps()
        async with self._database.work() as work:
            locked = await store.lock_posts(work.connection, [item.post.key for item in batch])
            for item in batch:
                row, now = locked.get(item.post.key), nows[item.post.platform_id]
                if row is None:
                    continue  # its endpoint was deleted meanwhile
                locked[item.post.key] = row._replace(attempts=row.attempts + 1)
                success_at = now if item.post.endpoint in taken else row.last_success_at
                steps.add(item, row, self._next(item, row, success_at, now), now)
            await store.insert_post_attempts(work.connection, steps.attempts)
            await store.wait_posts(work.connection, steps.waiting)
            await store.end_posts(work.connection, steps.ended)
            await store.move_followers(work.connection, steps.followers)
            await keep(work.connection, steps.captured)
            await self._endpoints(work, batch, taken, steps.disabled, nows)
        for item in batch:
            if not is_test(item.post.platform_id):
                metrics.POSTS.labels("taken" if item.posted.taken else "failed").inc()
        return [None] * len(batch)

    def _next(self, item: Made, row: LockedPost, success_at: datetime | None, now: datetime) -> Follows:
        return follows(item.posted, row.attempts + 1, row.first_at or item.at, success_at, now, self._jitter())

    async def _endpoints(
        self,
        work: Work,
        batch: Sequence[Made],
        taken: Collection[EndpointKey],
        disabled: dict[EndpointKey, tuple[str, datetime]],
        nows: Mapping[UUID, datetime],
    ) -> None:
        if taken:
            await store.mark_successes(work.connection, sorted(taken), nows)
        if failed := sorted({item.post.endpoint for item in batch} - set(taken)):
            await store.mark_failing(work.connection, failed)
        for item in batch:
            if until := rest_after(item.posted, nows[item.post.platform_id]):
                await store.rest_endpoint(work.connection, item.post.endpoint, until, item.at)
        if disabled:
            rows = await store.find_endpoints(work.connection, sorted(disabled))
            for key, row in sorted(rows.items()):
                await self._disable(work, row, *disabled[key], nows[row.platform_id])

    async def _disable(self, work: Work, row: EndpointRow, why: str, tried_at: datetime, now: datetime) -> None:
        count = await store.disable_endpoint(work.connection, row.key, why, tried_at, now)
        if count:
            if not is_test(row.platform_id):
                metrics.ENDPOINTS_DISABLED.inc()
            log.warning("webhook endpoint is disabled", endpoint=str(row.endpoint_id), why=why)
            await tell(work, [(row.platform_id, endpoint_disabled(row, why, count, now))], self._clock.now())


@dataclass
class _Steps:
    """What recording a batch comes to."""

    attempts: list[PostAttempt] = field(default_factory=list)
    captured: list[CapturedRow] = field(default_factory=list)
    ended: list[tuple[PostKey, PostState, int, datetime]] = field(default_factory=list)
    waiting: list[tuple[PostKey, int, datetime, bool]] = field(default_factory=list)
    followers: list[tuple[PostKey, str, datetime]] = field(default_factory=list)
    """Of a subject that wants its order: what stands behind goes when the one before may go, or has ended."""
    disabled: dict[EndpointKey, tuple[str, datetime]] = field(default_factory=dict)

    def add(self, item: Made, row: LockedPost, step: Follows, now: datetime) -> None:
        """Add an attempt at a locked post, and what follows."""
        post, number, ours = item.post, row.attempts + 1, row.claim_id == item.post.claim_id
        self.attempts.append(
            _attempt(post.endpoint, post.event_id, post.type, number, item.at, item.milliseconds, item.posted)
        )
        if item.captured:
            self.captured.append(replace(item.captured, number=number))
        if row.state is not PostState.PENDING:
            return
        due_at = step.due_at if isinstance(step, Again) else now
        if isinstance(step, Again) or not (ours or item.posted.taken):
            self.waiting.append((post.key, number, due_at, ours))
        else:
            self.ended.append((post.key, step.state, number, now))
            if step.disable:
                self.disabled[post.endpoint] = step.disable, item.at
        if row.in_order and ours and (isinstance(step, Again) or row.attempts):  # else they stand where they should
            self.followers.append((post.key, row.subject, due_at))


def _attempt(
    endpoint: EndpointKey, event_id: UUID, kind: str, number: int, at: datetime, milliseconds: int, posted: Posted
) -> PostAttempt:
    return PostAttempt(
        platform_id=endpoint[0],
        attempt_id=ids.new_id(),
        endpoint_id=endpoint[1],
        event_id=event_id,
        type=kind,
        number=number,
        attempted_at=at,
        milliseconds=milliseconds,
        status=posted.status,
        answer=posted.answer,
        problem=posted.problem,
    )
