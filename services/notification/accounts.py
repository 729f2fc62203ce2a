"""The accounts that platforms have with channels: sealed where they are kept, opened where something is sent."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.chassis import logs
from services.chassis.database import Connection, Database
from services.chassis.sealing import NotOpened, Sealer
from services.notification import store
from services.notification.channels import Account, Channel
from services.notification.store import AccountKey, AccountRow

_PAGE = 100

log = logs.logger(__name__)


class Accounts:
    """Reads and seals accounts. What was opened is kept for as long as its version is the one stored."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._opened: dict[AccountKey, Account] = {}

    async def find(self, connection: Connection, keys: Sequence[AccountKey]) -> dict[AccountKey, Account]:
        """Read the accounts there are; one whose secrets do not open is left out, loudly."""
        found: dict[AccountKey, Account] = {}
        for key, row in (await store.find_accounts(connection, keys)).items():
            if (account := self._open(key, row)) is not None:
                found[key] = account
        return found

    def _open(self, key: AccountKey, row: AccountRow) -> Account | None:
        known = self._opened.get(key)
        if known and known.version == row.version:
            return known
        secrets = self._opened_or_none(row)
        if secrets is None:
            return None
        self._opened[key] = Account(row.platform_id, {**row.settings, **secrets}, row.version)
        return self._opened[key]

    def secrets(self, row: AccountRow) -> dict[str, str]:
        """Open what is secret of an account; NotOpened where that cannot be."""
        opened = self._sealer.open(row.secrets, _place(row.platform_id, row.channel))
        return {str(name): str(value) for name, value in json.loads(opened).items()}

    async def save(self, connection: Connection, row: AccountRow, secrets: Mapping[str, str]) -> int:
        """Seal and store an account; returns its version."""
        return await store.save_account(connection, self._sealed(row, secrets), self._sealer.key_id)

    def _sealed(self, row: AccountRow, secrets: Mapping[str, str]) -> AccountRow:
        sealed = self._sealer.seal(json.dumps(dict(secrets)).encode(), _place(row.platform_id, row.channel))
        return replace(row, secrets=sealed)

    async def seal_anew(self, database: Database) -> int:
        """Seal accounts anew that an older key has sealed; returns how many. Run by a timer.

        One that does not open is passed by, loudly: its key has to stay for the others' sake.
        """
        async with database.work() as work:
            rows = await store.find_sealed_otherwise(work.connection, self._sealer.key_id, _PAGE)
            opened = [(row, secrets) for row in rows if (secrets := self._opened_or_none(row)) is not None]
            for row, secrets in opened:
                await store.seal_anew(work.connection, self._sealed(row, secrets), self._sealer.key_id)
        return len(opened)

    def _opened_or_none(self, row: AccountRow) -> dict[str, str] | None:
        try:
            return self.secrets(row)
        except NotOpened as problem:
            log.error("account does not open", channel=row.channel, platform=str(row.platform_id), why=str(problem))  # noqa: TRY400 - the reason is enough
            return None


def divided(channel: Channel, settings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Divide the fields of an account into what may be shown and what is secret."""
    secret = {item.name for item in channel.setup.fields if item.secret}
    return (
        {name: value for name, value in settings.items() if name not in secret},
        {name: value for name, value in settings.items() if name in secret},
    )


def _place(platform_id: UUID, channel: str) -> str:
    return f"channel_accounts/secrets/{platform_id}/{channel}"
