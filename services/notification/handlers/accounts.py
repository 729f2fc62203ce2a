"""PutChannel and DeleteChannel: a platform's account of a channel, once per request id."""

from collections.abc import Mapping
from dataclasses import dataclass

from groupbuy.notification.v1 import channels_pb2

from services.chassis import requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.requests import Decided, RequestKey
from services.notification import store
from services.notification.accounts import Accounts, divided
from services.notification.channels import Channel
from services.notification.store import AccountRow


@dataclass(frozen=True, slots=True)
class PutChannel:
    """A checked command; without settings the account is forgotten."""

    key: RequestKey
    channel: Channel
    settings: Mapping[str, str] | None


class ChannelWriter:
    """Decides commands about channels, each in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock, accounts: Accounts) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts

    async def decide(self, command: PutChannel) -> bytes | Rejected:
        """Store the account and the answer."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            version = 0
            if command.settings is None:
                await store.delete_account(work.connection, command.key.platform_id, command.channel.name)
            else:
                version = await self._save(work.connection, command, command.settings)
            answer = channels_pb2.PutChannelResponse(version=version).SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def _save(self, connection: store.Connection, command: PutChannel, settings: Mapping[str, str]) -> int:
        shown, secrets = divided(command.channel, settings)
        platform_id = command.key.platform_id
        row = AccountRow(platform_id, command.channel.name, 0, shown, b"", self._clock.now())
        return await self._accounts.save(connection, row, secrets)
