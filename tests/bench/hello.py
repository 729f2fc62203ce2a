"""The hello: `python -m tests.bench.hello` serves two words with Starlette, on the very server of our pages."""

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router

from services.chassis.ops import OpsServer
from services.chassis.runner import Part, main, run_parts
from services.chassis.settings import load
from services.team_formation.settings import Settings
from services.team_formation.web.edge import WebEdge


async def hello(_request: Request) -> PlainTextResponse:
    """Say it."""
    return PlainTextResponse("Hello, world")


async def wait() -> None:
    """Do nothing until told to stop."""
    await asyncio.Event().wait()


async def process() -> None:
    """Serve until told to stop."""
    settings = load(Settings)
    edge = WebEdge(settings.web_listen, Router([Route("/i/{code}", hello)]), proxies="", drain_seconds=1)
    ops = OpsServer(settings.ops_listen, {})
    await run_parts(
        [Part("hello", start=edge.start, run=wait, stop=edge.stop), Part("ops", start=ops.start, stop=ops.stop)]
    )


if __name__ == "__main__":
    main(process)
