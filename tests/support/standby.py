"""A PostgreSQL that follows another, has every commit before it is acknowledged, and can take over."""

import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit

import psutil
import psycopg

from deploy.local.child import Child
from deploy.local.osuser import unprivileged
from deploy.local.postgres import LocalPostgres
from deploy.local.postgres.programs import find_programs
from tests.support.until import until

NAME = "standby"


@asynccontextmanager
async def a_pair(folder: Path, ports: list[int]) -> AsyncIterator[tuple[LocalPostgres, LocalPostgres]]:
    """Run a server and its standby, which is told of every commit before whoever made it."""
    primary, standby = (LocalPostgres(folder / name, port) for name, port in zip(("primary", NAME), ports, strict=True))
    try:
        await primary.start()
        await copy_cluster(primary, standby)
        await standby.start()
        await execute(primary.url, "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()")
        await until(lambda: _follows(primary))
        yield primary, standby
    finally:
        await standby.stop()
        await primary.stop()


def either(primary: LocalPostgres, standby: LocalPostgres) -> str:
    """Give the address of whichever of both takes writes, in libpq's words."""
    one, other = urlsplit(primary.url), urlsplit(standby.url)
    hosts = f"{one.netloc},{other.netloc.rpartition('@')[2]}"
    return f"postgresql://{hosts}/postgres?target_session_attrs=read-write"


async def copy_cluster(primary: LocalPostgres, standby: LocalPostgres) -> None:
    """Copy a running server's files by pg_basebackup, with what makes them a standby's."""
    folder = standby.data / "cluster"
    user = unprivileged(folder)
    folder.mkdir(parents=True, mode=0o700)
    if user:
        os.chown(folder, user.uid, user.gid)
    source = f"{primary.url}?application_name={NAME}"
    # the folders above may be closed to the server's user: it names its own by standing in it
    words = ["-d", source, "-D", ".", "-R", "-X", "stream", "-c", "fast"]
    child = Child.start([str(find_programs(user) / "pg_basebackup"), *words], log=standby.log, cwd=folder, user=user)
    assert await child.wait() == 0, child.log_tail()
    shutil.copy(primary.data / "password", standby.data / "password")


def kill_all(server: LocalPostgres) -> None:
    """End a server and every process of it by kill -9, as a machine that goes dark."""
    assert server.pid is not None, "it does not run"
    whole = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for process in whole:
        process.send_signal(signal.SIGKILL)


async def promote(standby: LocalPostgres) -> None:
    """Have the standby take over; returns when it takes writes."""
    await execute(standby.url, "SELECT pg_promote()")


async def execute(url: str, *statements: LiteralString) -> None:
    """Run statements, each by itself."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in statements:
            await connection.execute(statement)


async def _follows(primary: LocalPostgres) -> bool:
    async with await psycopg.AsyncConnection.connect(primary.url) as connection:
        found = await connection.execute("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
        return bool((await found.fetchone() or (0,))[0])
