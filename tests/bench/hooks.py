"""Programs that take Slack's calls on the very server of our web edge: `python -m tests.bench.hooks floor|unworked`.

The floor knows one secret and does the least that can be done: the HMAC over the body, and one coalesced insert.
`unworked` is what the web edge does until it answers, without the worker that comes after.
"""

import hmac
import sys
from collections.abc import Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router

from services.chassis import ids
from services.chassis.arrays import byteas, uuids
from services.chassis.coalesce import Coalescer
from services.chassis.ops import OpsServer
from services.chassis.process import Process
from services.chassis.runner import Part, main, run_parts
from services.chassis.settings import load
from services.team_formation.chats.apps import App, Apps
from services.team_formation.chats.keeper import Keeper
from services.team_formation.hooks.call import Answer, Event
from services.team_formation.settings import Settings
from services.team_formation.web.edge import WebEdge
from services.team_formation.web.hooks import Hooks

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FLOOR_TABLE = "CREATE TABLE IF NOT EXISTS floor_calls (call_id uuid PRIMARY KEY, body bytea NOT NULL)"

Taken = tuple[list[BaseRoute], Part]


def floor(chassis: Process) -> Taken:
    """Take calls as cheaply as can be."""
    key = SECRET.encode()

    async def insert(batch: Sequence[tuple[UUID, bytes]]) -> Sequence[bool]:
        async with chassis.database.work() as work:
            await work.connection.execute(
                "INSERT INTO floor_calls (call_id, body) SELECT * FROM unnest(%s, %s) ON CONFLICT DO NOTHING",
                (uuids(call_id for call_id, _ in batch), byteas(body for _, body in batch)),
            )
        return [True] * len(batch)

    calls = Coalescer("floor", insert)

    async def handle(request: Request) -> Response:
        body, headers = await request.body(), request.headers
        content = b"v0:" + headers["x-slack-request-timestamp"].encode() + b":" + body
        right = f"v0={hmac.digest(key, content, 'sha256').hex()}"
        if not hmac.compare_digest(right, headers["x-slack-signature"]):
            return Response(status_code=401)
        await calls.submit((ids.new_id(), body))
        return Response()

    return [Route("/hooks/{service}/{app}", handle, methods=["POST"])], Part("floor", run=calls.run)


def unworked(chassis: Process, settings: Settings) -> Taken:
    """Take calls as the web edge does."""
    if settings.sealer is None:
        raise ValueError("there are no keys that seal")
    calls = Coalescer("hook calls", Keeper(chassis.database, settings.sealer).decide)

    async def no_preview(_app: App, _event: Event) -> Answer | None:
        return None

    apps = Apps(chassis.database, chassis.clock, settings.sealer)
    return Hooks(apps, calls, chassis.clock, no_preview).routes(), Part("hook calls", run=calls.run)


async def process() -> None:
    """Serve until told to stop."""
    settings = load(Settings)
    chassis = Process("team_formation", settings)
    routes, writer = floor(chassis) if sys.argv[1] == "floor" else unworked(chassis, settings)
    edge = WebEdge(settings.web_listen, Router(routes), proxies="", drain_seconds=1)
    ops = OpsServer(settings.ops_listen, {"database": chassis.database.ready})
    await run_parts(
        [
            Part("database", start=chassis.database.start, stop=chassis.database.stop),
            writer,
            Part("web", start=edge.start, stop=edge.stop),
            Part("ops", start=ops.start, stop=ops.stop),
        ]
    )


if __name__ == "__main__":
    main(process)
