"""The local PostgreSQL server: start, password, restart, recovery after kill -9, one holder at a time."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import psycopg
import pytest

from deploy.local.errors import LocalError
from deploy.local.lock import FolderLock
from deploy.local.osuser import OsUser, unprivileged
from deploy.local.postgres import LocalPostgres, programs
from deploy.local.postgres.programs import find_programs
from deploy.local.processes import look
from tests.support.database import Database
from tests.support.until import until


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[LocalPostgres]:
    server = LocalPostgres(tmp_path / "postgres", 0)
    await server.start()
    yield server
    await server.stop()


async def _ask(url: str, query: str) -> object:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(query)
        row = await cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def test_it_is_durable_by_default_and_version_18(postgres: LocalPostgres) -> None:
    assert await _ask(postgres.url, "SELECT current_setting('fsync')") == "on"
    assert await _ask(postgres.url, "SELECT current_setting('synchronous_commit')") == "on"
    assert str(await _ask(postgres.url, "SHOW server_version")).startswith("18.")


async def test_it_does_not_run_as_root(postgres: LocalPostgres) -> None:
    assert postgres.pid is not None
    assert psutil.Process(postgres.pid).uids().effective != 0


async def test_its_port_asks_for_the_password_that_only_we_can_read(postgres: LocalPostgres) -> None:
    password = postgres.data / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert password.read_text() in postgres.url
    for wrong in (
        postgres.url.replace(password.read_text(), "guess"),
        postgres.url.replace(":" + password.read_text(), ""),
    ):
        with pytest.raises(psycopg.OperationalError, match="password"):
            await _ask(wrong, "SELECT 1")


async def test_it_listens_on_loopback_only(postgres: LocalPostgres) -> None:
    assert await _ask(postgres.url, "SHOW listen_addresses") == "127.0.0.1"
    assert await _ask(postgres.url, "SHOW unix_socket_directories") == ""


async def test_a_restart_finds_the_data_and_the_address_again(postgres: LocalPostgres) -> None:
    url = await postgres.create_database("shop")
    await _ask(url, "CREATE TABLE seat AS SELECT 7 AS number")
    await postgres.stop()
    assert postgres.pid is None
    again = LocalPostgres(postgres.data, postgres.port)
    await again.start()
    try:
        assert again.database_url("shop") == url
        assert await _ask(url, "SELECT number FROM seat") == 7
    finally:
        await again.stop()


async def test_it_recovers_after_kill_9(postgres: LocalPostgres) -> None:
    await _ask(postgres.url, "CREATE TABLE seat AS SELECT 7 AS number")
    assert postgres.child is not None
    postgres.child.send(signal.SIGKILL)
    await postgres.child.wait()
    await postgres.start()
    assert await _ask(postgres.url, "SELECT number FROM seat") == 7


async def test_a_stale_pid_that_now_belongs_to_another_program_is_no_obstacle(postgres: LocalPostgres) -> None:
    assert postgres.child is not None
    postgres.child.send(signal.SIGKILL)
    await postgres.child.wait()
    status = postgres.data / "cluster" / "postmaster.pid"
    status.write_text(status.read_text().replace(str(postgres.child.pid), str(os.getpid()), 1))
    await postgres.start()
    assert await _ask(postgres.url, "SELECT 1") == 1


async def test_a_server_left_behind_is_ended_by_the_next_start(postgres: LocalPostgres) -> None:
    await postgres.stop()
    with _server_of_nobody_in_particular(postgres) as leftover:
        await until(lambda: "ready" in _text(postgres.data / "cluster" / "postmaster.pid"))
        await postgres.start()
        assert look(leftover.pid) is None
    assert await _ask(postgres.url, "SELECT 1") == 1


def _server_of_nobody_in_particular(postgres: LocalPostgres) -> subprocess.Popen[bytes]:
    cluster = postgres.data / "cluster"
    user = unprivileged(cluster)
    program = str(find_programs(user) / "postgres")
    argv = [program, "-D", "/proc/self/cwd", "-h", "127.0.0.1", "-p", str(postgres.port), "-k", ""]
    if user is None:
        return subprocess.Popen(argv, cwd=cluster)
    return subprocess.Popen(argv, cwd=cluster, user=user.uid, group=user.gid, extra_groups=[])


async def test_a_half_made_data_directory_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "cluster.new").mkdir()
    (tmp_path / "cluster.new" / "PG_VERSION").write_text("18\n")
    server = LocalPostgres(tmp_path, 0, durable=False)
    await server.start()
    await server.stop()
    assert not (tmp_path / "cluster.new").exists()


async def test_a_second_holder_is_told_who_has_the_data(postgres: LocalPostgres) -> None:
    with pytest.raises(LocalError, match=f"in use by process {os.getpid()}"):
        await LocalPostgres(postgres.data, 0).start()


async def test_a_taken_port_is_named_with_the_option(postgres: LocalPostgres) -> None:
    await postgres.stop()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        blocked = LocalPostgres(postgres.data, port)
        with pytest.raises(LocalError, match=f"wants port {port} of 127.0.0.1(.|\n)*--port postgres="):
            await blocked.start()
    assert FolderLock(postgres.data / "lock").holder() is None


async def test_no_permission_above_the_data_is_loosened(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = LocalPostgres(closed / "postgres", 0, durable=False)
    await server.start()
    try:
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert await _ask(server.url, "SELECT 1") == 1
    finally:
        await server.stop()


async def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, signal; from pathlib import Path; from deploy.local.postgres import LocalPostgres\n"
        f"server = LocalPostgres(Path({str(tmp_path)!r}), 0, durable=False); asyncio.run(server.start())\n"
        "print(server.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    result = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=False)  # noqa: ASYNC221
    pid = int(result.stdout)
    await until(lambda: look(pid) is None)
    log = (tmp_path / "postgres.log").read_text()
    assert "received fast shutdown request" in log


async def test_every_clone_is_a_database_of_its_own(database: Database) -> None:
    first, second = await database(""), await database("")
    assert first != second
    await _ask(first, "CREATE TABLE seat AS SELECT 1 AS number")
    assert await _ask(second, "SELECT to_regclass('seat')") is None


async def test_programs_in_a_closed_folder_are_copied_to_where_their_user_reaches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = OsUser("nobody", 65534, 65534)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "site").symlink_to(programs._site_packages())
    monkeypatch.setattr(programs, "_site_packages", lambda: closed / "site")
    monkeypatch.setattr(programs, "reaches", lambda _user, path: closed not in path.parents)
    monkeypatch.setattr(programs, "_CACHE", tmp_path / "cache")
    found = find_programs(nobody)
    assert tmp_path / "cache" in found.parents
    assert all(_open_to_all(path) for path in (tmp_path / "cache").rglob("*"))
    result = subprocess.run([found / "postgres", "--version"], capture_output=True, text=True, check=True)  # noqa: ASYNC221
    assert " 18." in result.stdout
    assert find_programs(nobody) == found


def _open_to_all(path: Path) -> bool:
    needed = 0o005 if path.is_dir() or path.parent.name == "bin" else 0o004
    return path.stat().st_mode & needed == needed
