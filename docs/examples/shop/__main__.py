"""The shop as a web application; README.md names the variables."""

import os
from pathlib import Path

import grpc
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .books import Books
from .checkout import Checkout, page
from .engine import Engine, Refused
from .settling import is_ours, settle
from .sink import Sink


def make_app(engine: Engine, books: Books, sink: Sink, secret: str) -> Starlette:
    """Make the application; `secret` is that of its webhook endpoint."""
    checkout = Checkout(engine, books, sink)

    async def hear(request: Request) -> Response:
        if not is_ours(request.headers, body := await request.body(), secret):
            return Response(status_code=401)
        for cart in books.unfinished():  # we died between payment and confirmation: a post comes when the hold ends
            await checkout.see_through(cart)
        await settle(body, engine, sink)
        return Response(status_code=204)

    async def said(_: Request, error: Exception) -> Response:
        return page(409, note=str(error)) if isinstance(error, Refused) else page(503, note=str(Refused("UNAVAILABLE")))

    routes = [
        Route("/checkout", checkout.arrive),
        Route("/cart/{id}", checkout.show),
        Route("/cart/{id}/join", checkout.join, methods=["POST"]),
        Route("/cart/{id}/pay", checkout.pay, methods=["POST"]),
        Route("/groupbuy", hear, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={Refused: said, grpc.aio.AioRpcError: said})


def from_variables() -> Engine:
    """Know the engine by the variables that describe it; where nothing is said, by the ports of `groupbuy up`."""
    teams = os.environ.get("GROUPBUY_TEAM_FORMATION", "127.0.0.1:7101")
    prices = os.environ.get("GROUPBUY_PRICING", "127.0.0.1:7102")
    return Engine(teams, prices, os.environ["GROUPBUY_PLATFORM_KEY"])


def from_environment() -> Starlette:
    """Make the application that the variables describe."""
    folder = Path(os.environ.get("SHOP_DATA", "."))
    books, sink = Books(folder / "shop.db"), Sink(folder / "sink.db")
    return make_app(from_variables(), books, sink, os.environ["SHOP_WEBHOOK_SECRET"])


if __name__ == "__main__":
    uvicorn.run(from_environment, factory=True, port=int(os.environ.get("SHOP_PORT", "8000")))
