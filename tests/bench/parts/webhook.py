"""Signed calls of Slack against a handler on the same server that does the HMAC and one coalesced insert alone.

What they say is a link to somebody else's page, as most of what is said in a chat: their ids are kept. Beside it with a
link of ours each, that leads nowhere: they are kept, sealed, and worked meanwhile by the worker in the same process, as
in production.
"""

import json
from collections.abc import Mapping, Sequence

import psycopg

from deploy.local.sockets import free_port
from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.sealing import Sealer
from services.team_formation.chats.apps import Apps
from tests.bench.bench import Bench
from tests.bench.caller import Job, Outcome
from tests.bench.campaign import unique
from tests.bench.errors import BenchError
from tests.bench.hooks import SECRET, TABLE
from tests.bench.installation import Installation
from tests.bench.rounds import Variant
from tests.bench.template import MARK

CALLERS = 64
NOWHERE = "127.0.0.1:1"
"""Notification's address: nothing is answered in a chat."""
OURS, ELSEWHERE = "https://shop.example", "https://elsewhere.example"
_MICRO = 1e6

FLOOR, WEBHOOK, LINKED = "floor", "webhook", "webhook_linked"
_EDGE = ("services.team_formation", "web")
PROGRAMS: Mapping[str, Sequence[str]] = {FLOOR: ("tests.bench.hooks",), WEBHOOK: _EDGE, LINKED: _EDGE}
_STORED = b"SELECT count(*), count(*) FILTER (WHERE due_at IS NULL) FROM hook_calls"
_STORED_BY_FLOOR = b"SELECT count(*), 0 FROM floor_calls"


async def run(bench: Bench) -> None:
    """Measure."""
    whole = bench.whole
    path = f"/hooks/slack/{await _an_app(whole)}"
    async with await psycopg.AsyncConnection.connect(whole.database, autocommit=True) as connection:
        await connection.execute(TABLE)
    await bench.interleaved({name: _variant(bench, name, path) for name in PROGRAMS})
    bench.results.ratio("webhook_to_floor", "webhook_rate", "floor_rate")
    bench.results.ratio("webhook_linked_to_floor", "webhook_linked_rate", "floor_rate")


async def _an_app(whole: Installation) -> str:
    """Set up an app of Slack; gives its id."""
    database = Database(whole.database)
    await database.start()
    try:
        apps = Apps(database, Clock(), Sealer.read(whole.settings()["SEAL_KEYS"]))
        return (await apps.put(ids.new_id(), "slack", "bench", {"signing_secrets": [SECRET]})).app_id
    finally:
        await database.stop()


def _variant(bench: Bench, name: str, path: str) -> Variant:
    """Measure a program; it runs alone, so that no other works what it takes."""
    whole = bench.whole
    link = f"{OURS if name == LINKED else ELSEWHERE}/i/AAAAAAAAAAAA"

    async def measured(_round: int) -> float:
        address = f"127.0.0.1:{free_port()}"
        module, *roles = PROGRAMS[name]
        await whole.run(name, module, *roles, WEB_LISTEN=address, PUBLIC_URL=OURS, NOTIFICATION=NOWHERE)
        try:
            outcome = await whole.client.run(_job(bench, address, path, link), whole.meter)
            worked = await _worked(whole, name, outcome)
        finally:
            await whole.end(name)
        if name == LINKED:
            bench.results.add(f"{name}_worked", worked / outcome.answered, "of all")
        return _note(bench, name, outcome)

    return measured


def _job(bench: Bench, address: str, path: str, link: str) -> Job:
    return Job(
        address,
        path,
        "",
        [a_call(link)],
        bench.seconds,
        callers=CALLERS,
        connections=CALLERS,
        http=True,
        slack_secret=SECRET,
    )


def a_call(link: str) -> bytes:
    """Make the body of a link_shared of Slack's documents."""
    event = {
        "type": "link_shared",
        "channel": "C123ABC456",
        "is_bot_user_member": True,
        "user": "U123ABC456",
        "message_ts": "1793620790.987500",
        "unfurl_id": "C123456.123456789.987501.1b90fa12",
        "source": "conversations_history",
        "links": [{"domain": "shop.example", "url": link}],
    }
    about = {"token": "XXYYZZ", "team_id": "T123ABC456", "api_app_id": "A123ABC456", "type": "event_callback"}
    return json.dumps({**about, "event": event, "event_id": f"Ev{unique('bench')}-{MARK}"}).encode()


async def _worked(whole: Installation, name: str, outcome: Outcome) -> int:
    """Count how many calls were worked, then forget all; BenchError unless each that was answered is stored."""
    async with await psycopg.AsyncConnection.connect(whole.database, autocommit=True) as connection:
        row = await (await connection.execute(_STORED_BY_FLOOR if name == FLOOR else _STORED)).fetchone()
        await connection.execute("TRUNCATE hook_calls, floor_calls")
    stored, worked = row or (0, 0)
    if stored != outcome.answered:
        raise BenchError(f"{outcome.answered} calls were answered, but {stored} are stored.")
    return int(worked)


def _note(bench: Bench, name: str, outcome: Outcome) -> float:
    for program in (name, "postgres", "client"):
        spent = outcome.cpu[program] / outcome.calls * _MICRO
        bench.results.add(f"{name}_cpu_{'python' if program == name else program}", spent, "us each")
    bench.results.add(f"{name}_cpu_elsewhere", outcome.elsewhere / outcome.seconds * 1000, "ms/s")
    bench.results.add(f"{name}_p99", outcome.latency["p99"] * 1000, "ms")
    return bench.results.add(f"{name}_rate", outcome.rate, "a second")
