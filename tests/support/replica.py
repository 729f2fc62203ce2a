"""A second team_formation beside a running stack: another process on the same database and the same Kafka."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.local.sockets import free_port
from deploy.local.stack import Stack
from deploy.local.stack.keeper import Keeper
from deploy.local.stack.services import WEB, Servers, service_part

NAME = "team_formation"


@asynccontextmanager
async def a_replica(stack: Stack, port: int, ops_port: int) -> AsyncIterator[Keeper]:
    """Run another replica on these ports; whoever kills it finds it started again."""
    ports = {
        WEB: free_port(),
        NAME: port,
        f"{NAME}.ops": ops_port,
        f"{NAME}.http": free_port(),
        **{other: int(stack.address(other).rpartition(":")[2]) for other in ("pricing", "notification")},
    }
    servers = Servers(
        stack.database_url,
        stack.bootstrap,
        stack.service_key,
        stack.invite_secret,
        ports,
        stack.quote_keys,
        stack.handover_keys,
        stack.seal_keys,
    )
    part = service_part(NAME, stack.options, stack.layout, servers)
    second = dataclasses.replace(part, name=f"{NAME}-2", log=stack.layout.log(f"{NAME}-2"))
    keeper = Keeper(second, say=print, changed=lambda: None, failed=print, max_deaths=stack.options.max_deaths)
    await keeper.start()
    try:
        yield keeper
    finally:
        await keeper.stop()
