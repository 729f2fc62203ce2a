"""Probes over gRPC: alive depends on the process alone, ready on every check and on not being about to end."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.health import Health, Readiness
from services.chassis.platforms import KeyRing
from services.chassis.relay import Relay
from services.chassis.server import GrpcServer

NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"
ANSWERS = health_pb2.HealthCheckResponse


@pytest.fixture
async def checks() -> dict[str, bool]:
    return {"database": True, "partitions": True}


@pytest.fixture
async def stub(checks: dict[str, bool]) -> AsyncIterator[Any]:
    async def passes(name: str) -> bool:
        if name == "database" and not checks[name]:
            raise ConnectionError("away")
        return checks[name]

    away = Database(NOWHERE)
    server = GrpcServer(
        "127.0.0.1:0",
        [],
        KeyRing(away, Clock()),
        service_key="",
        drain_seconds=1,
        checks={"database": lambda: passes("database"), "partitions": lambda: passes("partitions")},
    )
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield health_pb2_grpc.HealthStub(channel)
    await server.stop()


async def status(stub: Any, service: str) -> int:
    answer: health_pb2.HealthCheckResponse = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    return answer.status


async def test_who_can_work_is_alive_and_ready(stub: Any) -> None:
    assert await status(stub, "liveness") == ANSWERS.SERVING
    assert await status(stub, "readiness") == ANSWERS.SERVING
    assert await status(stub, "") == ANSWERS.SERVING


@pytest.mark.parametrize("name", ["database", "partitions"])
async def test_what_is_away_makes_it_unready_and_leaves_it_alive(stub: Any, checks: dict[str, bool], name: str) -> None:
    checks[name] = False
    assert await status(stub, "readiness") == ANSWERS.NOT_SERVING
    assert await status(stub, "liveness") == ANSWERS.SERVING
    checks[name] = True
    assert await status(stub, "readiness") == ANSWERS.SERVING


async def test_who_is_about_to_end_is_unready_and_alive() -> None:
    health = Health(Readiness({}))
    await health.enter_graceful_shutdown()
    answers = [
        (await health.Check(health_pb2.HealthCheckRequest(service=service), None)).status
        for service in ("liveness", "readiness")
    ]
    assert answers == [ANSWERS.SERVING, ANSWERS.NOT_SERVING]


async def test_a_relay_that_reached_no_database_does_not_work() -> None:
    assert not Relay(Database(NOWHERE), None).works  # type: ignore[arg-type]  # it publishes nothing
