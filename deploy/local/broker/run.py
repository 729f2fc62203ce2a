"""Starting and stopping the broker: recover, listen, do the chores, and stop in reverse."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from deploy.local.broker.api import ANSWERS
from deploy.local.broker.housekeeping import keep_logs, keep_sessions
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.server import Server
from deploy.local.broker.state import Broker


@contextlib.asynccontextmanager
async def running(
    data: Path, *, host: str = "127.0.0.1", port: int = 0, partitions: int = 4, auto_create: bool = False
) -> AsyncIterator[Broker]:
    """A broker that serves for as long as the context lasts; `port` 0 takes a free one. Raises LocalError."""
    broker = Broker(data, time.monotonic, partitions=partitions, auto_create=auto_create)

    async def answer(call: Call) -> Message | None:
        return await ANSWERS[call.api.key](broker, call)

    server = Server(answer)
    chores: list[asyncio.Task[None]] = []
    try:
        broker.host = host
        broker.port = await server.start(host, port)
        chores = [
            asyncio.create_task(keep_sessions(broker.coordinator)),
            asyncio.create_task(keep_logs(broker.topics)),
        ]
        yield broker
    finally:
        await server.stop()
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        broker.close()
