"""The apps of chat services that platforms have set up: sealed where they are kept, opened where a call comes."""

import asyncio
import dataclasses
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.chassis import audit, logs
from services.chassis.audit import Change
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.once import Once
from services.chassis.sealing import NotOpened, Sealer
from services.team_formation.hooks.registry import SERVICES, Service
from services.team_formation.store import chat_apps as shelf
from services.team_formation.store.chat_apps import AppRow

MOST_APPS = 20
FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 0.1
STALE_SECONDS = 60.0
"""So long an app is believed to be as it was where the database is slow: a call waits for it once, to be kept."""
_ID_BYTES = 16
_MOST_KEPT = 10_000
_PAGE = 100
_FORM = re.compile(r"[0-9a-f]{32}")

Values = Mapping[str, Sequence[str]]

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """An app whose calls can be checked."""

    app_id: str
    platform_id: UUID
    service: Service[Any]
    secrets: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a platform allows in chats of an app, and how one opens one."""

    allows_leave: bool = False
    open_link: str = ""


NO_TERMS = Terms()


class Apps:
    """Finds, seals and stores apps; what was found is believed for a few seconds."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._known: dict[str, tuple[float, App]] = {}
        self._loads: Once[str, tuple[float, App] | None] = Once()

    async def find(self, service: str, app_id: str) -> App | None:
        """Find the app of an address; None where there is none, NotOpened where its secrets do not open."""
        if not _FORM.fullmatch(app_id):
            return None
        known = self._known.get(app_id)
        if known is None or time.monotonic() - known[0] > FRESH_SECONDS:
            known = await self._looked_up(app_id, known)
        return known[1] if known and known[1].service.name == service else None

    async def _looked_up(self, app_id: str, old: tuple[float, App] | None) -> tuple[float, App] | None:
        loaded = self._loads.once(app_id, lambda: self._load(app_id))
        if old is None or time.monotonic() - old[0] > STALE_SECONDS:
            return await loaded
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await loaded
        except TimeoutError:
            return old

    def forget(self, app_id: str) -> None:
        """Believe no longer that an app is there."""
        self._known.pop(app_id, None)

    async def _load(self, app_id: str) -> tuple[float, App] | None:
        async with self._database.read() as connection:
            row = await shelf.find_app(connection, app_id)
        self._known.pop(app_id, None)
        if row is None:
            return None
        if len(self._known) >= _MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[app_id] = found = (time.monotonic(), self._opened(row))
        return found

    async def put(self, platform_id: UUID, service: str, name: str, values: Values, terms: Terms = NO_TERMS) -> AppRow:
        """Store an app with its secrets; Rejected INVALID_ARGUMENT. The same again changes nothing."""
        made_of(SERVICES[service], values)
        async with self._database.work() as work:
            await shelf.lock_apps(work.connection, platform_id)
            rows = {(row.service, row.name): row for row in await shelf.list_apps(work.connection, platform_id)}
            old = rows.get((service, name))
            if old is None and len(rows) >= MOST_APPS:
                raise invalid("name", f"a platform has at most {MOST_APPS} apps; delete one of them")
            if old and self._values(old) == {key: list(item) for key, item in values.items()} and _terms(old) == terms:
                return old
            row = self._sealed(platform_id, service, name, values, old)
            row = dataclasses.replace(row, allows_leave=terms.allows_leave, open_link=terms.open_link)
            await shelf.save_app(work.connection, row, self._sealer.key_id)
            states = (self._said(old) if old else None, self._said(row))
            change = Change(platform_id, "PutChatApp", f"chat app {service} {name}", *states)
            await audit.note(work.connection, self._clock.now(), change)
        self._known.pop(row.app_id, None)
        return row

    async def delete(self, platform_id: UUID, service: str, name: str) -> None:
        """Forget an app; there may be none."""
        async with self._database.work() as work:
            await shelf.lock_apps(work.connection, platform_id)
            rows = await shelf.list_apps(work.connection, platform_id)
            old = next((row for row in rows if (row.service, row.name) == (service, name)), None)
            await shelf.delete_app(work.connection, platform_id, service, name)
            if old:
                change = Change(platform_id, "DeleteChatApp", f"chat app {service} {name}", self._said(old))
                await audit.note(work.connection, self._clock.now(), change)
        self._known.clear()

    async def ways_in(self, platform_id: UUID) -> Sequence[tuple[str, str]]:
        """List the services that a platform has apps of, each with what opens a chat, where that is known."""
        async with self._database.read() as connection:
            return [(row.service, row.open_link) for row in await shelf.list_apps(connection, platform_id)]

    async def of(self, platform_id: UUID) -> list[tuple[AppRow, Mapping[str, int]]]:
        """List the apps of a platform, each with how many values its secrets have."""
        async with self._database.read() as connection:
            rows = await shelf.list_apps(connection, platform_id)
        return [(row, self.counted(row)) for row in rows]

    def counted(self, row: AppRow) -> Mapping[str, int]:
        """Tell which secrets an app has, and how many values of each."""
        return {name: len(values) for name, values in (self._values(row) or {}).items()}

    def _said(self, row: AppRow) -> Mapping[str, object]:
        """Say for the audit how an app stands: which secrets it has, and none of them."""
        terms = {"allows_leave": row.allows_leave, "open_link": row.open_link}
        return {"version": row.version, "secrets": dict(self.counted(row)), **terms}

    async def seal_anew(self) -> int:
        """Seal anew what an older key has sealed; returns how many. Run by a timer."""
        async with self._database.work() as work:
            rows = await shelf.find_sealed_otherwise(work.connection, self._sealer.key_id, _PAGE)
            opened = [(row, values) for row in rows if (values := self._values(row)) is not None]
            for row, values in opened:
                sealed = self._seal(row.platform_id, row.app_id, values)
                await shelf.save_app(work.connection, dataclasses.replace(row, secrets=sealed), self._sealer.key_id)
        return len(opened)

    def _opened(self, row: AppRow) -> App:
        service, values = SERVICES[row.service], self._values(row)
        if values is None:
            raise NotOpened("the secrets of the app do not open")
        return App(row.app_id, row.platform_id, service, made_of(service, values))

    def _values(self, row: AppRow) -> dict[str, list[str]] | None:
        try:
            opened = self._sealer.open(row.secrets, _place(row.platform_id, row.app_id))
        except NotOpened as problem:
            log.error("chat app does not open", service=row.service, platform=str(row.platform_id), why=str(problem))  # noqa: TRY400 - the reason is enough
            return None
        return {str(name): [str(item) for item in items] for name, items in json.loads(opened).items()}

    def _sealed(self, platform_id: UUID, service: str, name: str, values: Values, old: AppRow | None) -> AppRow:
        now = self._clock.now(platform_id)
        app_id = old.app_id if old else secrets.token_hex(_ID_BYTES)
        sealed = self._seal(platform_id, app_id, values)
        version, created_at = (old.version + 1, old.created_at) if old else (1, now)
        return AppRow(app_id, platform_id, service, name, sealed, version, created_at, now)

    def _seal(self, platform_id: UUID, app_id: str, values: Values) -> bytes:
        written = json.dumps({name: list(items) for name, items in values.items()}).encode()
        return self._sealer.seal(written, _place(platform_id, app_id))


def made_of(service: Service[Any], values: Values) -> Any:
    """Make a service's secrets; Rejected INVALID_ARGUMENT names the one at fault, and never says its value."""
    fields = {item.name: item for item in dataclasses.fields(service.secrets)}
    problems = [
        FieldViolation(f"secrets[{name[:64]!r}]", f"is none of {service.name}: it has {', '.join(fields)}")
        for name in values.keys() - fields.keys()
    ]
    if problems:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(sorted(problems, key=lambda item: item.field)))
    given: dict[str, Any] = {}
    for name, items in values.items():
        is_one = fields[name].type in {str, "str"}
        if is_one and len(items) != 1:
            raise invalid(f"secrets[{name!r}]", "must have one value")
        given[name] = items[0] if is_one else tuple(items)
    for name, item in fields.items():
        if name not in given and item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise invalid(f"secrets[{name!r}]", f"is missing: an app of {service.name} needs it")
    try:
        return service.secrets(**given)
    except ValueError as problem:
        raise invalid("secrets", str(problem)) from None


def _terms(row: AppRow) -> Terms:
    return Terms(row.allows_leave, row.open_link)


def _place(platform_id: UUID, app_id: str) -> str:
    return f"chat_apps/secrets/{platform_id}/{app_id}"
