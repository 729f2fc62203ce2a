"""Ways to call the engine, as docs/clients.md tells shops to, each of which counts what came of every call.

The published client sends again by itself and does not tell. So there is one more that keeps the same policy in the
open, and says how often, and why, a call had to be sent again: what a client without a policy would have seen fail.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import grpc
from groupbuy_client import connect_aio
from groupbuy_client.policy import service_config

CALL_SECONDS = 10.0
"""The policy's deadline for a call with all its attempts."""
_UNANSWERED = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


class Way(Enum):
    """How a caller calls."""

    PUBLISHED = "published client, one channel"
    FRESH = "published client, a channel for each call"
    OPEN = "policy in the open, one channel"


@dataclass
class Count:
    """What came of the calls of one way."""

    calls: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    """Attempts that failed and were followed by another, by status."""
    failed: list[str] = field(default_factory=list)
    """Calls that had no answer when the policy was at its end."""
    slowest: float = 0.0

    def less(self, before: "Count") -> "Count":
        """Give what came since another count of the same calls."""
        more = Count(self.calls - before.calls, self.refused - before.refused, self.again - before.again)
        more.failed, more.slowest = self.failed[len(before.failed) :], self.slowest
        return more

    def copy(self) -> "Count":
        """Give the same, which does not change any more."""
        return Count(self.calls, Counter(self.refused), Counter(self.again), list(self.failed), self.slowest)


@dataclass(frozen=True)
class Policy:
    """The part of the published policy that ordinary calls have."""

    attempts: int
    first: float
    most: float
    factor: float
    codes: frozenset[str]

    @classmethod
    def read(cls) -> "Policy":
        """Read it from what is published."""
        said = json.loads(service_config())["methodConfig"][0]["retryPolicy"]
        return cls(
            said["maxAttempts"],
            float(said["initialBackoff"].rstrip("s")),
            float(said["maxBackoff"].rstrip("s")),
            said["backoffMultiplier"],
            frozenset(said["retryableStatusCodes"]),
        )

    def pause(self, attempt: int) -> float:
        """Give how long to wait after an attempt, counted from 1; a fifth more or less by chance, as gRPC does."""
        pause = min(self.first * self.factor ** (attempt - 1), self.most)
        return pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


class Caller:
    """Calls services at their addresses in one way."""

    def __init__(self, way: Way, addresses: Mapping[str, str], key: str) -> None:
        self.way = way
        self.count = Count()
        self._addresses = addresses
        self._key = key
        self._policy = Policy.read()
        self._channels = {name: self._open(address) for name, address in addresses.items()}

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels.values():
            await channel.close()

    async def call(self, service: str, stub: Any, method: str, request: Any) -> Any:
        """Give the answer; None where it was refused, or there was none by the policy's end, which is counted."""
        began = asyncio.get_running_loop().time()
        self.count.calls += 1
        try:
            return await self._by_way(service, stub, method, request)
        except grpc.aio.AioRpcError as error:
            if error.code() in _UNANSWERED:
                seconds = asyncio.get_running_loop().time() - began
                self.count.failed.append(f"{method} {error.code().name} after {seconds:.1f} s: {error.details()}")
            else:
                self.count.refused[f"{method} {error.code().name}"] += 1
            return None
        finally:
            self.count.slowest = max(self.count.slowest, asyncio.get_running_loop().time() - began)

    async def _by_way(self, service: str, stub: Any, method: str, request: Any) -> Any:
        if self.way is Way.FRESH:
            async with self._open(self._addresses[service]) as channel:
                return await getattr(stub(channel), method)(request)
        call = getattr(stub(self._channels[service]), method)
        return await (call(request) if self.way is Way.PUBLISHED else self._patiently(call, request))

    async def _patiently(self, call: Any, request: Any) -> Any:
        ends = asyncio.get_running_loop().time() + CALL_SECONDS
        for attempt in range(1, self._policy.attempts + 1):
            try:
                return await call(request, timeout=ends - asyncio.get_running_loop().time())
            except grpc.aio.AioRpcError as error:
                if error.code().name not in self._policy.codes or attempt == self._policy.attempts:
                    raise
                self.count.again[error.code().name] += 1
                await asyncio.sleep(self._policy.pause(attempt))
        raise AssertionError("unreachable")

    def _open(self, address: str) -> grpc.aio.Channel:
        # by itself gRPC shares the connection of channels that look alike
        own: list[tuple[str, Any]] = [("grpc.use_local_subchannel_pool", 1)]
        if self.way is Way.OPEN:
            own.append(("grpc.enable_retries", 0))
        return connect_aio(address, self._key, plaintext=True, options=own)
