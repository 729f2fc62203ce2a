"""A platform's webhook endpoints: put, deleted, given new secrets, told again; each once per request id."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

from groupbuy.notification.v1 import platform_webhooks_pb2 as pb2

from services.chassis import audit, ids, requests
from services.chassis.audit import Change
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.chassis.requests import Answer, Decided, RequestKey
from services.chassis.sealing import sealed_with
from services.notification import store
from services.notification.store import EndpointRow, Redrive
from services.notification.translate import wire_endpoint
from services.notification.webhook_secrets import WebhookSecrets

MOST_ENDPOINTS = 20
_BY_PLATFORM = "the platform disabled it"


@dataclass(frozen=True, slots=True)
class PutEndpoint:
    """A checked endpoint; without an id it is a new one."""

    key: RequestKey
    endpoint_id: UUID | None
    url: str
    description: str
    patterns: Sequence[str]
    types: Sequence[str]
    in_order: bool
    disabled: bool


@dataclass(frozen=True, slots=True)
class DeleteEndpoint:
    """An endpoint that is forgotten."""

    key: RequestKey
    endpoint_id: UUID


@dataclass(frozen=True, slots=True)
class RotateSecret:
    """An endpoint that gets a new secret; the old one stays valid for a time."""

    key: RequestKey
    endpoint_id: UUID
    old_valid: timedelta


@dataclass(frozen=True, slots=True)
class RedrivePosts:
    """An endpoint that is told again; without types it is those of the endpoint."""

    key: RequestKey
    endpoint_id: UUID
    wanted: Redrive


Command: TypeAlias = PutEndpoint | DeleteEndpoint | RotateSecret | RedrivePosts


class EndpointWriter:
    """Decides commands about endpoints, each in a transaction of its own. No stored answer has a secret."""

    def __init__(self, database: Database, clock: Clock, secrets: WebhookSecrets) -> None:
        self._database = database
        self._clock = clock
        self._secrets = secrets

    async def decide(self, command: Command) -> Answer:
        """Do it and store the answer, without the secret."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            answer = await self._do(work.connection, command)
            work.call(store.EVENTS_WAKE_CHANNEL)
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def _do(self, connection: store.Connection, command: Command) -> bytes:
        match command:
            case PutEndpoint():
                return await self._put(connection, command)
            case RotateSecret():
                return await self._rotate(connection, command)
            case RedrivePosts():
                return await self._redrive(connection, command)
            case DeleteEndpoint():
                row = await self._locked(connection, command.key.platform_id, command.endpoint_id)
                await store.delete_endpoint(connection, *row.key)
                await self._note(connection, command, row, None)
                return pb2.DeleteWebhookEndpointResponse().SerializeToString()

    async def _locked(self, connection: store.Connection, platform_id: UUID, endpoint_id: UUID) -> EndpointRow:
        row = await store.lock_endpoint(connection, platform_id, endpoint_id)
        if row is None:
            raise Rejected("WEBHOOK_ENDPOINT_UNKNOWN")
        return row

    async def _put(self, connection: store.Connection, command: PutEndpoint) -> bytes:
        platform_id = command.key.platform_id
        now = self._clock.now(platform_id)
        before = None
        if command.endpoint_id:
            before = await self._locked(connection, platform_id, command.endpoint_id)
        elif len(await store.list_endpoints(connection, platform_id)) >= MOST_ENDPOINTS:
            raise invalid("endpoint", f"a platform has at most {MOST_ENDPOINTS} endpoints; delete one first")
        known = await store.find_endpoint_of_url(connection, platform_id, command.url)
        if known and known != command.endpoint_id:
            raise invalid(
                "endpoint.url",
                f"is that of the endpoint {ids.opaque('hook', known)}; name its endpoint_id to change it",
            )
        endpoint_id = command.endpoint_id or ids.new_id()
        row = EndpointRow(
            platform_id=platform_id,
            endpoint_id=endpoint_id,
            url=command.url,
            description=command.description,
            patterns=command.patterns,
            types=command.types,
            in_order=command.in_order,
            secrets=before.secrets if before else self._secrets.sealed_new(platform_id, endpoint_id),
            old_until=before.old_until if before else None,
            disabled_at=(before and before.disabled_at) or now if command.disabled else None,
            disabled_why=(before and before.disabled_why) or _BY_PLATFORM if command.disabled else "",
            last_success_at=before.last_success_at if before else None,
            created_at=now,
            updated_at=now,
        )
        await store.save_reader(connection, platform_id, now)
        await store.save_endpoint(connection, row, sealed_with(row.secrets))
        await self._note(connection, command, before, row)
        if not command.disabled:
            await store.hurry_posts(connection, row.key, now)
        return _answer(row)

    async def _rotate(self, connection: store.Connection, command: RotateSecret) -> bytes:
        now = self._clock.now(command.key.platform_id)
        row = await self._locked(connection, command.key.platform_id, command.endpoint_id)
        secrets, old_until = self._secrets.rotated(row, command.old_valid, now)
        changed = replace(row, secrets=secrets, old_until=old_until, updated_at=now)
        await store.save_endpoint(connection, changed, sealed_with(changed.secrets))
        await self._note(connection, command, row, changed)
        return _answer(changed)

    async def _note(
        self, connection: store.Connection, command: Command, before: EndpointRow | None, after: EndpointRow | None
    ) -> None:
        """Note in the audit what became of an endpoint; a new secret shows in when the old one ends."""
        one = after or before
        if one:
            subject = f"webhook endpoint {ids.opaque('hook', one.endpoint_id)}"
            was, now = (wire_endpoint(row, 0) if row else None for row in (before, after))
            change = Change(one.platform_id, command.key.rpc, subject, was, now, command.key.request_id)
            await audit.note(connection, self._clock.now(), change)

    async def _redrive(self, connection: store.Connection, command: RedrivePosts) -> bytes:
        row = await self._locked(connection, command.key.platform_id, command.endpoint_id)
        wanted = command.wanted if command.wanted.types else replace(command.wanted, types=row.types)
        count = await store.redrive_posts(connection, row.key, wanted, self._clock.now(row.platform_id))
        return pb2.RedriveWebhooksResponse(count=count).SerializeToString()


def _answer(row: EndpointRow) -> bytes:
    """Write an answer as it is stored: its secret is added when it is given."""
    return pb2.PutWebhookEndpointResponse(endpoint=wire_endpoint(row, 0)).SerializeToString()
