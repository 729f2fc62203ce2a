"""Channels: which there are, what each needs, and what a platform has set up."""

from collections.abc import Mapping

from groupbuy.notification.v1 import channels_pb2 as pb2

from services.chassis import requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import caller
from services.notification import store
from services.notification.accounts import Accounts
from services.notification.channels import Channel, Channels, Field
from services.notification.handlers import ChannelWriter, PutChannel
from services.notification.store import AccountRow, PauseRow

_LONGEST = 4096
_LONGEST_NAME = 64


class ChannelCalls:
    """Answers what concerns channels."""

    def __init__(self, database: Database, clock: Clock, channels: Channels, accounts: Accounts) -> None:
        self._database = database
        self._clock = clock
        self._channels = channels
        self._writer = ChannelWriter(database, clock, accounts)

    async def put(self, request: pb2.PutChannelRequest) -> pb2.PutChannelResponse:
        """Set a channel up."""
        requests.check_request_id(request.request_id)
        channel = find_channel(self._channels, request.channel)
        settings = dict(request.settings)
        if problems := _problems(channel, settings):
            raise Rejected("INVALID_ARGUMENT", fields=problems)
        key = RequestKey(NO_CAMPAIGN, caller(), "PutChannel", request.request_id, requests.body_hash(request))
        return pb2.PutChannelResponse.FromString(_answer(await self._writer.decide(PutChannel(key, channel, settings))))

    async def delete(self, request: pb2.DeleteChannelRequest) -> pb2.DeleteChannelResponse:
        """Forget what was set up."""
        requests.check_request_id(request.request_id)
        channel = find_channel(self._channels, request.channel)
        key = RequestKey(NO_CAMPAIGN, caller(), "DeleteChannel", request.request_id, requests.body_hash(request))
        _answer(await self._writer.decide(PutChannel(key, channel, None)))
        return pb2.DeleteChannelResponse()

    async def list(self) -> pb2.ListChannelsResponse:
        """List the channels."""
        platform_id, now = caller(), self._clock.now(caller())
        async with self._database.read() as connection:
            accounts = await store.list_accounts(connection, platform_id)
            pauses = (await store.find_pauses(connection, [platform_id])).get(platform_id, {})
        answer = pb2.ListChannelsResponse()
        for name in sorted(self._channels):
            wire = answer.channels.add(name=name, fields=map(_field, self._channels[name].setup.fields))
            if account := accounts.get(name):
                _show_account(wire, account)
            if pause := pauses.get(name):
                _show_pause(wire, pause)
                if pause.pause.until <= now:
                    wire.ClearField("paused_until")
        return answer


def find_channel(channels: Channels, name: str) -> Channel:
    """Find a channel by its name; CHANNEL_UNKNOWN."""
    if name not in channels:
        names = ", ".join(sorted(channels))
        raise Rejected("CHANNEL_UNKNOWN", {"channel": repr(name[:_LONGEST_NAME]), "channels": names})
    return channels[name]


def _problems(channel: Channel, settings: Mapping[str, str]) -> tuple[FieldViolation, ...]:
    """Say what is wrong with an account: what it lacks, what the channel does not know, what cannot be."""
    known = {item.name: item for item in channel.setup.fields}
    found = {name: f"is not one of {', '.join(known) or 'its fields: it has none'}" for name in settings.keys() - known}
    found |= {
        name: f"is missing: {item.meaning}" for name, item in known.items() if item.required and not settings.get(name)
    }
    found |= {
        name: f"must be 1 to {_LONGEST} printable characters"
        for name, value in settings.items()
        if name in known and name not in found and not (value and value.isprintable() and len(value) <= _LONGEST)
    }
    if not found:
        found |= channel.check_account(settings)
    return tuple(
        FieldViolation(f"settings[{name[:_LONGEST_NAME]!r}]", problem) for name, problem in sorted(found.items())
    )


def _field(item: Field) -> pb2.ChannelField:
    return pb2.ChannelField(name=item.name, meaning=item.meaning, secret=item.secret, required=item.required)


def _show_account(wire: pb2.Channel, account: AccountRow) -> None:
    wire.settings.update(account.settings)
    wire.version = account.version
    wire.updated_at.FromDatetime(account.updated_at)


def _show_pause(wire: pb2.Channel, row: PauseRow) -> None:
    wire.paused_until.FromDatetime(row.pause.until)
    wire.problem = row.pause.problem
    if row.pause.problem:
        wire.problem_since.FromDatetime(row.since)


def _answer(decided: bytes | Rejected) -> bytes:
    if isinstance(decided, Rejected):
        raise decided
    return decided
