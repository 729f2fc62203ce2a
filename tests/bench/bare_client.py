"""A bare loop of the HTTP client that channels use: `python -m tests.bench.bare_client URL COUNT CONCURRENCY`.

What is sent is as large as a message of the channel `webhook`; nothing is read from, or written to, a database.
"""

import asyncio
import sys
from collections.abc import Iterator

import aiohttp
import uvloop

MESSAGE = {
    "delivery_id": "5e1a1e2c-0000-5000-8000-000000000000",
    "kind": "FORMED",
    "member_id": "member-1",
    "team_id": "team_" + "x" * 43,
    "language": "en",
    "subject": "Your group is complete: Mangoes",
    "body": "You pay 24.90 EUR for 1. You get 10.00 EUR back of the 34.90 EUR that you paid. Fruit Shop. " * 2,
    "written_at": "2026-11-29T08:00:00.000000Z",
}


async def post(url: str, count: int, concurrency: int) -> None:
    """Post so often, so many at a time; ValueError for an answer that is not 200."""
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        numbers = iter(range(count))
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(_some(session, url, numbers))


async def _some(session: aiohttp.ClientSession, url: str, numbers: Iterator[int]) -> None:
    for number in numbers:
        async with session.post(url, json=MESSAGE, headers={"Idempotency-Key": f"bare-{number}"}) as response:
            await response.read()
        if response.status != 200:
            raise ValueError(f"the sink answered {response.status}")


if __name__ == "__main__":
    uvloop.run(post(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
