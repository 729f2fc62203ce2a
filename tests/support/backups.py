"""Backups of a service's database by PostgreSQL's own programs, and putting one in the place of what is there."""

import asyncio
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.local.postgres.programs import find_programs
from services.chassis.database import database_url


async def back_up(server_url: str, service: str, folder: Path) -> Path:
    """Write a backup of a service's database as of now, while it is used."""
    path = folder / f"{service}.backup"
    await _run("pg_dump", "--format=custom", f"--file={path}", database_url(server_url, service))
    return path


async def restore(server_url: str, service: str, backup: Path) -> None:
    """Put a backup in the place of a service's database, which nobody uses."""
    url = database_url(server_url, service)
    name = sql.Identifier(f"groupbuy_{service}")
    async with await psycopg.AsyncConnection.connect(server_url, autocommit=True) as connection:
        await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        await connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    await _run("pg_restore", "--exit-on-error", f"--dbname={url}", str(backup))


async def _run(program: str, *words: str) -> None:
    ran = await asyncio.create_subprocess_exec(
        str(find_programs(None) / program), *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await ran.communicate()
    assert ran.returncode == 0, output.decode()
