"""Runs invariants against an installation; nothing is changed."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from deploy.check.invariants import Invariant, invariants
from services.chassis.database import database_url

SERVICES = ("team_formation", "pricing", "notification")
MOST_EXAMPLES = 5
_PAGE = 5000
Installed: TypeAlias = str | Mapping[str, str]
"""The server that has all databases, or the address of each service's database."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one invariant showed: things looked at, violations, and examples of them."""

    name: str
    sentence: str
    checked: int
    violations: int
    examples: list[str]


async def run_checks(installed: Installed, only: Sequence[Invariant] | None = None) -> list[CheckResult]:
    """Run invariants, all where none are named, on the services' databases."""
    if isinstance(installed, str):
        installed = {service: database_url(installed, service) for service in SERVICES}
    return await check_databases(installed, only)


async def check_databases(
    urls: Mapping[str, str], only: Sequence[Invariant] | None = None, *, now: datetime | None = None
) -> list[CheckResult]:
    """Run invariants, all where none are named, on databases given by service; as of a time, or now."""
    async with AsyncExitStack() as stack:
        connections = {
            service: await stack.enter_async_context(await AsyncConnection.connect(url, prepare_threshold=None))
            for service, url in urls.items()
        }
        for connection in connections.values():
            await connection.set_read_only(True)
        chosen = only if only is not None else invariants()
        return [await run_check(item, connections, now) for item in chosen]


async def wait_for_checks(installed: Installed, seconds: float, *, but: Collection[str] = ()) -> list[CheckResult]:
    """Run all, but those named, until none is violated or the time is over: what is on its way is no violation."""
    chosen = [item for item in invariants() if item.name not in but]
    ends = asyncio.get_running_loop().time() + seconds
    while True:
        results = await run_checks(installed, chosen)
        if not any(result.violations for result in results) or asyncio.get_running_loop().time() > ends:
            return results
        await asyncio.sleep(0.5)


async def run_check(
    item: Invariant, connections: Mapping[str, AsyncConnection[TupleRow]], now: datetime | None = None
) -> CheckResult:
    """Run one invariant as of a time, or now, on connections by service, within the transactions that they are in."""
    parameters = {"now": now or datetime.now(UTC)}
    if len(item.sections) == 1:
        [(database, sql)] = item.sections
        cursor = await connections[database].execute(sql, parameters)
        checked, violations, examples = await cursor.fetchone() or (0, 0, [])
        return CheckResult(item.name, item.sentence, checked, violations, (examples or [])[:MOST_EXAMPLES])
    (left, left_sql), (right, right_sql) = item.sections
    return await _compare(
        item,
        (left, _rows(connections[left], left_sql, parameters)),
        (right, _rows(connections[right], right_sql, parameters)),
    )


async def _rows(
    connection: AsyncConnection[TupleRow], sql: str, parameters: dict[str, datetime]
) -> AsyncIterator[tuple[str, str]]:
    """Read rows of key and value in byte order of the key, a page at a time."""
    ordered = (
        f"SELECT key::text, value::text FROM ({sql.rstrip()}) AS rows (key, value)"  # noqa: S608 - our own files
        ' ORDER BY key::text COLLATE "C"'
    )
    async with connection.cursor(name="invariant") as cursor:
        cursor.itersize = _PAGE
        await cursor.execute(ordered, parameters)
        async for key, value in cursor:
            yield key, value


Side = tuple[str, AsyncIterator[tuple[str, str]]]


async def _compare(item: Invariant, left: Side, right: Side) -> CheckResult:
    checked, wrong = 0, list[str]()
    count = 0
    (left_name, left_rows), (right_name, right_rows) = left, right
    a, b = await anext(left_rows, None), await anext(right_rows, None)
    while a is not None or b is not None:
        checked += 1
        if b is None or (a is not None and a[0].encode() < b[0].encode()):
            problem, a = f"{a[0] if a else ''}: only in {left_name}", await anext(left_rows, None)
        elif a is None or b[0].encode() < a[0].encode():
            problem, b = f"{b[0]}: only in {right_name}", await anext(right_rows, None)
        else:
            problem = "" if a[1] == b[1] else f"{a[0]}: {a[1]} in {left_name}, {b[1]} in {right_name}"
            a, b = await anext(left_rows, None), await anext(right_rows, None)
        if problem:
            count += 1
            wrong = [*wrong, problem][:MOST_EXAMPLES]
    return CheckResult(item.name, item.sentence, checked, count, wrong)
