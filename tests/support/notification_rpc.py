"""Notification's servicer on a database, as its process puts it together, and a client of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.rpc import error_details_pb2
from groupbuy.notification.v1 import notification_internal_pb2_grpc, notification_service_pb2_grpc
from grpc_status import rpc_status

from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.limits import Limiter
from services.chassis.platforms import Key, KeyRing, Platform, hash_secret, save_platforms
from services.chassis.server import GrpcServer
from services.chassis.twins import is_test, twin_of
from services.notification.accounts import Accounts
from services.notification.answering.answerer import Answerer
from services.notification.answering.registry import open_ways
from services.notification.channels.http import Http
from services.notification.channels.registry import open_channels, open_http
from services.notification.channels.wechat import WeChatApi
from services.notification.contacts import Contacts
from services.notification.handlers import EventStream, Groups, MemberWriter, PutMember, StartReminders
from services.notification.handlers.chats import Chats
from services.notification.handlers.member_messages import MemberMessages
from services.notification.rpc import (
    Calls,
    CapturedCalls,
    ChannelCalls,
    ChatCalls,
    GroupCalls,
    Hearing,
    InternalServicer,
    MessageCalls,
    NotificationServicer,
    RuleCalls,
    StreamCalls,
    SwitchCalls,
    TemplateCalls,
    TimelineCalls,
    UnsubscribeCalls,
    WebhookCalls,
    internal_servicer,
    servicer,
)
from services.notification.settings import Settings
from services.notification.unsubscribing import Unsubscribing
from services.notification.webhook_secrets import WebhookSecrets
from services.notification.wechat_tickets import WeChatTickets
from tests.support.notifying import SEAL_KEYS, SEALER, Notifying, a_sandbox

SHOP, OTHER = UUID(int=1), UUID(int=2)
TWIN = twin_of(SHOP, 1)
SERVICE_KEY = "the services' own key"


@dataclass
class Api:
    """A client with the keys of two platforms."""

    stub: Any
    address: str = ""
    internal: Any = None
    """The services' own calls; each needs the services' key."""

    async def call_internal(self, method: str, request: Any, key: str = SERVICE_KEY) -> Any:
        """Make a call as another service does."""
        metadata = (("authorization", f"Bearer {key}"),)
        return await getattr(self.internal, method)(request, metadata=metadata, timeout=10)

    async def call(self, method: str, request: Any, platform: UUID = SHOP) -> Any:
        prefix = "gbt" if is_test(platform) else "gbk"
        metadata = (("authorization", f"Bearer {prefix}_{platform.int}_secret"),)
        return await getattr(self.stub, method)(request, metadata=metadata, timeout=10)

    async def refused(self, method: str, request: Any, platform: UUID = SHOP) -> tuple[str, dict[str, str]]:
        """Make a call that is refused; give the reason, and what is wrong by field."""
        return await refusal(self.call(method, request, platform))


async def refusal(call: Awaitable[Any]) -> tuple[str, dict[str, str]]:
    """Wait for a call that is refused; give the reason, and what is wrong by field."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
    assert status is not None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return info.reason, {item.field: item.description for item in bad.field_violations}


def _settings() -> Settings:
    return Settings(
        database_url="postgresql://unused",
        kafka="unused:1",
        listen="127.0.0.1:0",
        ops_listen="127.0.0.1:0",
        smtp=None,
        seal_keys=SEAL_KEYS,
    )


def notification_servicer(
    database: Database, clock: Clock, members: Coalescer[PutMember, bytes], http: Http | None = None
) -> NotificationServicer:
    """Make the servicer; `http` posts to webhook endpoints, and has to be closed by its owner."""
    settings = _settings()
    http = http or open_http(settings)
    channels = open_channels(settings, http)
    calls = Calls(
        captured=CapturedCalls(database, a_sandbox(channels, clock).captures),
        channels=ChannelCalls(database, clock, channels, Accounts(SEALER)),
        chats=ChatCalls(Chats(database, clock, Contacts(SEALER)), MemberMessages(database, clock)),
        groups=GroupCalls(
            database, channels, http, Groups(database, clock, Contacts(SEALER), Unsubscribing(SEALER), ())
        ),
        messages=MessageCalls(database, clock, http, StartReminders(database, clock)),
        rules=RuleCalls(database, clock),
        streams=StreamCalls(EventStream(database, clock), clock),
        templates=TemplateCalls(database, clock, channels),
        timeline=TimelineCalls(database),
        unsubscribing=UnsubscribeCalls(database, clock, Unsubscribing(SEALER)),
        webhooks=WebhookCalls(database, clock, http, WebhookSecrets(SEALER), a_sandbox(channels, clock)),
    )
    return NotificationServicer(database, clock, channels, members, Contacts(SEALER), calls)


def notification_internal_servicer(
    database: Database, clock: Clock, http: Http, *, seconds: float = 5
) -> InternalServicer:
    """Make the servicer for the other services; `http` answers in chats, and has to be closed by its owner."""
    channels = open_channels(_settings(), http)
    answerer = Answerer(database, Accounts(SEALER), a_sandbox(channels, clock), seconds=5)
    chats, messages = Chats(database, clock, Contacts(SEALER)), MemberMessages(database, clock)
    hearing = Hearing(clock, channels, chats, messages)
    tickets = WeChatTickets(database, Accounts(SEALER), WeChatApi(http), seconds=seconds)
    switch = SwitchCalls(database, clock)
    return InternalServicer(http, open_ways(http, clock), answerer, hearing, tickets, switch)


@asynccontextmanager
async def an_api(
    notification: Notifying, *, private: bool = False, limiter: Limiter | None = None
) -> AsyncIterator[Api]:
    """Run the server on a free port for two platforms; with `private` webhooks may go to this machine.

    With a limiter, calls are measured.
    """
    database, clock = notification.database, notification.clock
    platforms = [
        Platform(item, "shop", suspended=False, sequence=1, keys=(Key(str(item.int), hash_secret("secret"), None),))
        for item in (SHOP, OTHER, TWIN)
    ]
    async with database.work() as work:
        await save_platforms(work.connection, platforms, clock.now())
    members: Coalescer[PutMember, bytes] = Coalescer("members", MemberWriter(database, clock, Contacts(SEALER)).decide)
    deciding = asyncio.create_task(members.run())
    http = Http(seconds=5, connections=10, allow_private=private)
    implementation = notification_servicer(database, clock, members, http)
    internal = internal_servicer(notification_internal_servicer(database, clock, http))
    server = GrpcServer(
        "127.0.0.1:0",
        [servicer(implementation), internal],
        KeyRing(database, clock),
        service_key=SERVICE_KEY,
        drain_seconds=1,
        limits=limiter,
    )
    await server.start()
    address = f"127.0.0.1:{server.port}"
    async with grpc.aio.insecure_channel(address) as channel:
        internal_stub = notification_internal_pb2_grpc.NotificationInternalStub(channel)
        yield Api(notification_service_pb2_grpc.NotificationStub(channel), address, internal_stub)
    await server.stop()
    await http.close()
    deciding.cancel()
    await asyncio.wait([deciding])
