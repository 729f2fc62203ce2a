"""PutChannel and DeleteChannel: a platform's account of a channel, once per request id."""

from collections.abc import Mapping
from dataclasses import dataclass

from groupbuy.notification.v1 import channels_pb2

from services.chassis import audit, requests
from services.chassis.audit import Change
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
            version = await self._change(work.connection, command)
            answer = channels_pb2.PutChannelResponse(version=version).SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def _change(self, connection: store.Connection, command: PutChannel) -> int:
        """Change the account and note it; returns its version, 0 where there is none now."""
        platform_id, channel = command.key.platform_id, command.channel.name
        before = (await store.list_accounts(connection, platform_id)).get(channel)
        version, after = 0, None
        if command.settings is None:
            await store.delete_account(connection, platform_id, channel)
        else:
            version = await self._save(connection, command, command.settings)
            shown, secrets = divided(command.channel, command.settings)
            after = {"version": version, "settings": dict(shown), "secrets": sorted(secrets)}
        if before or after:
            was = {"version": before.version, "settings": dict(before.settings)} if before else None
            change = Change(platform_id, command.key.rpc, f"channel {channel}", was, after, command.key.request_id)
            await audit.note(connection, self._clock.now(), change)
        return version

    async def _save(self, connection: store.Connection, command: PutChannel, settings: Mapping[str, str]) -> int:
        shown, secrets = divided(command.channel, settings)
        platform_id = command.key.platform_id
        row = AccountRow(platform_id, command.channel.name, 0, shown, b"", self._clock.now(platform_id))
        return await self._accounts.save(connection, row, secrets)
