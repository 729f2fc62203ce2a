"""What recording costs a join: CPU and rate without it, with a share of 1 % and with all, side by side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc

from tests.bench.bench import Bench

VARIANTS = {"off": None, "1_percent": "0.01", "all": "1"}
"""Shares of the traces that are recorded; none where there is no receiver."""
_EXPORT = "opentelemetry.proto.collector.trace.v1.TraceService"
_MICRO = 1e6


async def run(bench: Bench) -> None:
    """Join by 64 callers."""
    spread, whole = await bench.spread(), bench.whole
    addresses: dict[str, str] = {}

    async def joined(name: str, _round: int) -> float:
        outcome = await bench.join(spread, addresses[name])
        bench.results.add(f"join_traces_{name}", outcome.rate, "a second")
        bench.results.add(f"join_traces_{name}_p99", outcome.latency["p99"] * 1000, "ms")
        return bench.results.add(f"join_traces_{name}_cpu", outcome.cpu[name] / outcome.calls * _MICRO, "us each")

    async with a_receiver() as receiver:
        for name, ratio in VARIANTS.items():
            wanted = {"TRACES_ENDPOINT": receiver, "TRACES_RATIO": ratio} if ratio else {}
            addresses[name] = (await whole.run(name, "services.team_formation", "rpc", **wanted)).address
        try:
            for address in addresses.values():  # what is new is slow at first
                await bench.join(spread, address, seconds=1)
            await bench.interleaved({name: partial(joined, name) for name in VARIANTS})
        finally:
            for name in VARIANTS:
                await whole.end(name)
    for name in list(VARIANTS)[1:]:
        bench.results.ratio(f"traces_{name}_cpu", f"join_traces_{name}_cpu", "join_traces_off_cpu")


@asynccontextmanager
async def a_receiver() -> AsyncIterator[str]:
    """Take spans without a look at them; gives the address."""

    async def taken(_request: bytes, _context: Any) -> bytes:
        return b""

    server = grpc.aio.server()
    handler = grpc.method_handlers_generic_handler(_EXPORT, {"Export": grpc.unary_unary_rpc_method_handler(taken)})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await asyncio.shield(server.stop(None))
