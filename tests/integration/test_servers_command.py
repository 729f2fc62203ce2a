"""groupbuy migrate and topics, as Jobs run them: twice, at once, and before their server is there."""

import asyncio
import socket
import sys
from pathlib import Path

import psycopg
import pytest

from deploy.local.postgres import LocalPostgres
from services.chassis.database import database_url

SERVICES = ("team_formation", "pricing", "notification")


async def groupbuy(*words: str, **environment: str) -> tuple[int, str, str]:
    """Run the command line with these variables alone; its exit code, what it said and what it complained of."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", *words, "--data", "/nonexistent",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **environment},
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_databases_are_made_by_three_at_once_and_only_once(tmp_path: Path) -> None:
    port = free_port()
    server = LocalPostgres(tmp_path / "postgres", port, log=tmp_path / "log")
    await server.start()
    url = server.url
    await server.stop()
    # it is asked before it is there
    asked = [asyncio.create_task(groupbuy("migrate", "--wait", "60", GROUPBUY_DATABASE_URL=url)) for _ in range(2)]
    alone = asyncio.create_task(
        groupbuy("migrate", "--service", "pricing", "--wait", "60", GROUPBUY_DATABASE_DIRECT_URL=url)
    )
    await server.start()
    try:
        answers = await asyncio.gather(*asked, alone)
        assert [code for code, _, _ in answers] == [0, 0, 0], answers
        said = [line for _, out, _ in answers for line in out.splitlines()]
        for service in SERVICES:
            lines = [line for line in said if line.startswith(f"{service}: ")]
            assert sum("migrations applied" in line for line in lines) == 1, lines
            assert len(lines) == (3 if service == "pricing" else 2)
        code, out, _ = await groupbuy("migrate", GROUPBUY_DATABASE_URL=url)
        assert (code, out) == (0, "".join(f"{service}: up to date\n" for service in SERVICES))
    finally:
        await server.stop()


async def test_a_check_reads_each_database_as_its_owner(tmp_path: Path) -> None:
    """As the CronJob does: each service has a user of its own, who may not even connect to the others' databases."""
    port = free_port()
    server = LocalPostgres(tmp_path / "postgres", port, log=tmp_path / "log")
    await server.start()
    try:
        urls = {service: f"postgresql://{service}:secret@127.0.0.1:{port}" for service in SERVICES}
        await give_each_its_database(server.url)
        for service, url in urls.items():
            done = await groupbuy("migrate", "--service", service, GROUPBUY_DATABASE_URL=url)
            assert done[0] == 0, done
        named = {f"GROUPBUY_{service.upper()}_DATABASE_URL": url for service, url in urls.items()}
        code, out, err = await groupbuy("check", "--record", "--wait", "0", **named)
        assert (code, err) == (0, "")
        async with await psycopg.AsyncConnection.connect(database_url(urls["team_formation"], "team_formation")) as own:
            kept = await (await own.execute("SELECT count(*), sum(violations) FROM check_results")).fetchone()
        assert kept == (len(out.splitlines()), 0)
        code, _, err = await groupbuy("check", "--wait", "0", GROUPBUY_DATABASE_URL=urls["pricing"])
        assert code == 1
        assert "The databases cannot be read" in err
        code, _, err = await groupbuy("check", **(named | {"GROUPBUY_PRICING_DATABASE_URL": "pricing"}))
        assert code == 1
        assert "GROUPBUY_PRICING_DATABASE_URL is not the address" in err
    finally:
        await server.stop()


async def give_each_its_database(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for service in SERVICES:
            name = f"groupbuy_{service}"
            for statement in (
                f"CREATE ROLE {service} LOGIN PASSWORD 'secret'",
                f"CREATE DATABASE {name} OWNER {service}",
                f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC",
            ):
                await connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (["migrate"], {"GROUPBUY_DATABASE_URL": "postgresql://nobody@127.0.0.1:1"}, "PostgreSQL at 127.0.0.1:1"),
        (["topics"], {"GROUPBUY_KAFKA": "127.0.0.1:1"}, "Kafka at 127.0.0.1:1 does not answer"),
    ],
)
async def test_a_server_that_is_away_is_named_and_waited_for_as_long_as_was_said(
    words: list[str], environment: dict[str, str], sentence: str
) -> None:
    # longer than one attempt takes
    code, _, err = await groupbuy(*words, "--wait", "8", **environment)
    assert code == 1
    assert sentence in err
    assert "waiting: " in err
