"""A call that comes without time left is answered so, and not begun."""

from typing import Any, cast

import grpc
import pytest

from services.chassis.gate import Gate

KEY = "key-of-the-services"


class Aborted(grpc.aio.AbortError):
    """What grpc.aio raises at an abort."""


class Context:
    """Stands for grpc's own: a call of the services' with some time left."""

    def __init__(self, left: float | None) -> None:
        self.left = left
        self.code: grpc.StatusCode | None = None

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {KEY}"),)

    async def read(self) -> bytes:
        return b""

    def time_remaining(self) -> float | None:
        return self.left

    async def abort_with_status(self, status: grpc.Status) -> None:
        self.code = status.code
        raise Aborted


async def called(left: float | None) -> tuple[grpc.StatusCode | None, int]:
    """Make a call with so much time left; tells how it was aborted and how often the method began."""
    begun = 0

    async def behaviour(_request: object, _context: object) -> bytes:
        nonlocal begun
        begun += 1
        return b""

    gate = Gate(cast("Any", None), KEY, longest_call=30.0)
    handler: Any = gate.wrap("/a.ServiceInternal/Do", grpc.unary_unary_rpc_method_handler(behaviour))
    context = Context(left)
    try:
        await handler.stream_unary(None, context)
    except Aborted:
        return context.code, begun
    return None, begun


@pytest.mark.parametrize("left", [0.0, -1.0])
async def test_a_call_whose_deadline_has_passed_is_not_begun(left: float) -> None:
    assert await called(left) == (grpc.StatusCode.DEADLINE_EXCEEDED, 0)


@pytest.mark.parametrize("left", [1.0, 1000.0, None])
async def test_a_call_with_time_left_is_answered(left: float | None) -> None:
    assert await called(left) == (None, 1)
