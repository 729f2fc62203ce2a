"""The secrets of webhook endpoints: sealed where they are kept, opened where something is signed."""

import json
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.chassis import logs
from services.chassis.database import Database
from services.chassis.sealing import NotOpened, Sealer
from services.notification import store
from services.notification.signatures import new_secret
from services.notification.store import EndpointRow

_PAGE = 100

log = logs.logger(__name__)


class WebhookSecrets:
    """Seals and opens secrets: an endpoint's own, and the one before while both are valid."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    @property
    def key_id(self) -> str:
        """Of the key that seals."""
        return self._sealer.key_id

    def sealed_new(self, platform_id: UUID, endpoint_id: UUID) -> bytes:
        """Make and seal the first secret of an endpoint."""
        return self._seal(platform_id, endpoint_id, [new_secret()])

    def rotated(self, row: EndpointRow) -> bytes:
        """Make a new secret and seal it with the one before."""
        return self._seal(*row.key, [new_secret(), self._open(row)[0]])

    def secret(self, row: EndpointRow) -> str:
        """Open an endpoint's own secret; NotOpened where that cannot be."""
        return self._open(row)[0]

    def valid(self, row: EndpointRow, now: datetime) -> list[str]:
        """Open the secrets that an endpoint's posts are signed with, its own first; NotOpened where that cannot be."""
        both = bool(row.old_until and row.old_until > now)
        return self._open(row)[: 2 if both else 1]

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

    def _seal(self, platform_id: UUID, endpoint_id: UUID, secrets: list[str]) -> bytes:
        return self._sealer.seal(json.dumps(secrets).encode(), _place(platform_id, endpoint_id))

    def _open(self, row: EndpointRow) -> list[str]:
        return [str(one) for one in json.loads(self._sealer.open(row.secrets, _place(*row.key)))]


def _place(platform_id: UUID, endpoint_id: UUID) -> str:
    return f"webhook_endpoints/secrets/{platform_id}/{endpoint_id}"
