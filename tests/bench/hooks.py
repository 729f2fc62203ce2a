"""The floor of calls of chat services: `python -m tests.bench.hooks` takes Slack's on the very server of our web edge.

It knows one secret and does the least that can be done: the HMAC over the body, and one coalesced insert.
"""

import hmac
from collections.abc import Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from services.chassis import ids
from services.chassis.arrays import byteas, uuids
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.ops import OpsServer
from services.chassis.process import Process
from services.chassis.runner import Part, main, run_parts
from services.chassis.settings import load
from services.team_formation.settings import Settings
from services.team_formation.web.edge import WebEdge

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TABLE = "CREATE TABLE IF NOT EXISTS floor_calls (call_id uuid PRIMARY KEY, body bytea NOT NULL)"

Call = tuple[UUID, bytes]


class Floor:
    """Takes calls as cheaply as can be."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key = SECRET.encode()
        self.calls: Coalescer[Call, bool] = Coalescer("floor", self._insert)

    async def handle(self, request: Request) -> Response:
        """Answer a call."""
        body, headers = await request.body(), request.headers
        content = b"v0:" + headers["x-slack-request-timestamp"].encode() + b":" + body
        right = f"v0={hmac.digest(self._key, content, 'sha256').hex()}"
        if not hmac.compare_digest(right, headers["x-slack-signature"]):
            return Response(status_code=401)
        await self.calls.submit((ids.new_id(), body))
        return Response()

    async def _insert(self, batch: Sequence[Call]) -> Sequence[bool]:
        async with self._database.work() as work:
            await work.connection.execute(
                "INSERT INTO floor_calls (call_id, body) SELECT * FROM unnest(%s, %s) ON CONFLICT DO NOTHING",
                (uuids(call_id for call_id, _ in batch), byteas(body for _, body in batch)),
            )
        return [True] * len(batch)


async def process() -> None:
    """Serve until told to stop."""
    settings = load(Settings)
    chassis = Process("team_formation", settings)
    floor = Floor(chassis.database)
    routes = [Route("/hooks/{service}/{app}", floor.handle, methods=["POST"])]
    edge = WebEdge(settings.web_listen, Router(routes), proxies="", drain_seconds=1)
    ops = OpsServer(settings.ops_listen, {"database": chassis.database.ready})
    await run_parts(
        [
            Part("database", start=chassis.database.start, stop=chassis.database.stop),
            Part("calls", run=floor.calls.run),
            Part("floor", start=edge.start, stop=edge.stop),
            Part("ops", start=ops.start, stop=ops.stop),
        ]
    )


if __name__ == "__main__":
    main(process)
