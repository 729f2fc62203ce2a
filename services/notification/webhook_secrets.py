"""The secrets of webhook endpoints: sealed where they are kept, opened where something is signed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.chassis import logs
from services.chassis.database import Database
from services.chassis.sealing import NotOpened, Sealer
from services.notification import store
from services.notification.signatures import new_secret
from services.notification.store import EndpointRow

_PAGE = 100
_MOST_OLD = 5

log = logs.logger(__name__)


class Secret(NamedTuple):
    """A secret, and until when it is good; None for the endpoint's own."""

    text: str
    until: datetime | None = None


class WebhookSecrets:
    """Seals and opens secrets: an endpoint's own, and those before while they are good."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    @property
    def key_id(self) -> str:
        """Of the key that seals."""
        return self._sealer.key_id

    def sealed_new(self, platform_id: UUID, endpoint_id: UUID) -> bytes:
        """Make and seal the first secret of an endpoint."""
        return self._seal(platform_id, endpoint_id, [Secret(new_secret())])

    def rotated(self, row: EndpointRow, old_valid: timedelta, now: datetime) -> tuple[bytes, datetime | None]:
        """Make a new secret; the one before is good for a time, and those before it as long as was said of them.

        Gives them sealed, and until when an old one is good. Where the old ones do not open, the new one stands alone.
        """
        try:
            own, *older = self._open(row)
            old = [Secret(own.text, now + old_valid), *older]
        except NotOpened:
            old = []
        kept = [one for one in old if one.until and one.until > now][:_MOST_OLD]
        until = max((one.until for one in kept if one.until), default=None)
        return self._seal(*row.key, [Secret(new_secret()), *kept]), until

    def secret(self, row: EndpointRow) -> str:
        """Open an endpoint's own secret; NotOpened where that cannot be."""
        return self._open(row)[0].text

    def valid(self, row: EndpointRow, now: datetime) -> list[str]:
        """Open the secrets that an endpoint's posts are signed with, its own first; NotOpened where that cannot be."""
        return [one.text for one in self._open(row) if one.until is None or one.until > now]

    async def seal_anew(self, database: Database) -> int:
        """Seal secrets anew that an older key has sealed; returns how many. Run by a timer.

        One that does not open is passed by, loudly: its key has to stay for the others' sake.
        """
        count = 0
        async with database.work() as work:
            for row in await store.find_endpoints_sealed_otherwise(work.connection, self.key_id, _PAGE):
                try:
                    sealed = self._seal(*row.key, self._open(row))
                except NotOpened as problem:
                    log.error("webhook secret does not open", endpoint=str(row.endpoint_id), why=str(problem))  # noqa: TRY400 - the reason is enough
                else:
                    await store.seal_endpoint_anew(work.connection, replace(row, secrets=sealed), self.key_id)
                    count += 1
        return count

    def _seal(self, platform_id: UUID, endpoint_id: UUID, secrets: Sequence[Secret]) -> bytes:
        written = [[one.text, one.until.isoformat() if one.until else None] for one in secrets]
        return self._sealer.seal(json.dumps(written).encode(), _place(platform_id, endpoint_id))

    def _open(self, row: EndpointRow) -> list[Secret]:
        read = json.loads(self._sealer.open(row.secrets, _place(*row.key)))
        return [Secret(text, datetime.fromisoformat(until) if until else None) for text, until in read]


def _place(platform_id: UUID, endpoint_id: UUID) -> str:
    return f"webhook_endpoints/secrets/{platform_id}/{endpoint_id}"
