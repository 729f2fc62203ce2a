"""Calls the services as a shop's backend does: with its key, a request id per request, and retries that keep the id."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.notification.v1.streaming_pb2 import StreamEventsRequest, StreamEventsResponse
from groupbuy.pricing.v1.pricing_service_pb2_grpc import PricingStub
from groupbuy.team_formation.v1.team_formation_service_pb2 import WatchTeamRequest, WatchTeamResponse
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub
from grpc_status import rpc_status

from deploy.demo.errors import DemoError

_TRY_SECONDS = 10.0
_PATIENCE_SECONDS = 60.0
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 1.5
_AGAIN = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
]

Answer = TypeVar("Answer", bound=Message)


class Refused(Exception):
    """The engine said no; `reason` is stable, the text is its sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Call:
    """One call that changes something, as it went: for telling how long it took, and for asking the same again."""

    method: Any
    request: Message
    answer: bytes
    """The answer as bytes, or the reason of the refusal."""
    refused: bool
    sent: float


class Shop:
    """A platform's backend, with one channel to each service."""

    def __init__(self, addresses: Sequence[str], key: str, run_id: str, logs: Path) -> None:
        self._channels = [grpc.aio.insecure_channel(address, options=_OPTIONS) for address in addresses]
        self.teams = TeamFormationStub(self._channels[0])
        self.prices = PricingStub(self._channels[1])
        self.messages = NotificationStub(self._channels[2])
        self.calls: list[Call] = []
        self.retries = 0
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._ids = (f"{run_id}-{number:06}" for number in itertools.count(1))
        self._logs = logs
        self._chance = random.Random(run_id)  # noqa: S311 - spreads retries, protects nothing

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels:
            await channel.close()

    async def ask(self, method: "grpc.aio.UnaryUnaryMultiCallable[Any, Answer]", request: Message) -> Answer:
        """Call until there is an answer; Refused where it is no, DemoError where none comes within a minute.

        A request that takes a request id gets one, the same for every try, and is kept in `calls`.
        """
        changes = "request_id" in request.DESCRIPTOR.fields_by_name
        if changes:
            request.request_id = next(self._ids)  # type: ignore[attr-defined]
        sent = perf_counter()
        try:
            answer = await self._until_answered(method, request)
        except Refused as refused:
            if changes:
                self.calls.append(Call(method, request, refused.reason.encode(), refused=True, sent=sent))
            raise
        if changes:
            self.calls.append(Call(method, request, _bytes(answer), refused=False, sent=sent))
        return answer

    def watch(self, request: WatchTeamRequest) -> AsyncIterable[WatchTeamResponse]:
        """Watch a team; the stream may break, and is then to be taken up again."""
        return self.teams.WatchTeam(request, metadata=self._metadata)

    def stream(self, request: StreamEventsRequest) -> AsyncIterable[StreamEventsResponse]:
        """Read what happened on the platform."""
        return self.messages.StreamEvents(request, metadata=self._metadata)

    async def repeat(self, call: Call) -> bool:
        """Send a call again with its request id; tell whether the answer is the same."""
        try:
            return _bytes(await self._until_answered(call.method, call.request)) == call.answer
        except Refused as refused:
            return refused.reason.encode() == call.answer

    async def _until_answered(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Any, Answer]", request: Message
    ) -> Answer:
        gives_up = perf_counter() + _PATIENCE_SECONDS
        for tries in itertools.count(1):
            try:
                return await method(request, metadata=self._metadata, timeout=_TRY_SECONDS)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _AGAIN:
                    raise self._refused(error, request) from None
                if perf_counter() > gives_up:
                    raise self._no_answer(request, error) from None
            self.retries += 1
            wait = min(_FIRST_WAIT * 2 ** (tries - 1), _LONGEST_WAIT)
            await asyncio.sleep(wait * (0.5 + self._chance.random() / 2))
        raise AssertionError("the loop ends by an answer or an error")

    def _refused(self, error: grpc.aio.AioRpcError, request: Message) -> Refused | DemoError:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
        info = error_details_pb2.ErrorInfo()
        if status is None or not any(detail.Unpack(info) for detail in status.details) or info.reason == "INTERNAL":
            return self._no_answer(request, error)
        return Refused(info.reason, status.message)

    def _no_answer(self, request: Message, error: grpc.aio.AioRpcError) -> DemoError:
        _, service, _, name = request.DESCRIPTOR.full_name.split(".")
        said = f"{name.removesuffix('Request')} was not answered: {error.code().name} {error.details()}"
        return DemoError(f"{said}\nThe log is {self._logs / service}.log.")


def _bytes(answer: Message) -> bytes:
    return answer.SerializeToString(deterministic=True)
