"""What every call passes: trace, key, deadline, error mapping, a metric, and a log line for what failed with us."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from functools import cache, lru_cache
from types import TracebackType
from typing import Any, TypeAlias, cast
from uuid import UUID

import grpc
from google.protobuf.message import DecodeError
from groupbuy.reasons import ReasonName
from grpc_status import rpc_status

from services.chassis import call_spans, limits, queueing, scopes, trace
from services.chassis.errors import Rejected, Unavailable, invalid
from services.chassis.limits import Limiter
from services.chassis.outcomes import refusal_of, seconds_of
from services.chassis.platforms import Grant, KeyRing
from services.chassis.spans import Span
from services.chassis.status import retry_milliseconds, status_of

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_grant: ContextVar[Grant | None] = ContextVar("grant", default=None)
_INTERNAL = "Internal"


def caller() -> UUID:
    """Tell the platform that makes the call under way; LookupError in a call between services."""
    grant = _grant.get()
    if grant is None:
        raise LookupError("no platform makes this call")
    return grant.platform_id


def caller_may(scope: str) -> bool:
    """Tell whether the key by which the call under way came has a scope; no platform's call has every one."""
    grant = _grant.get()
    return grant is None or scope in grant.allows


def caller_key() -> str:
    """Tell the id of the key by which the call under way came; empty for the services' own key."""
    grant = _grant.get()
    return grant.key_id if grant else ""


class Entrance:
    """What generated code takes for the server: it hands each service's methods over, wrapped where wanted.

    Methods are known to the server by name only. Were they registered with it, grpc.aio (1.85) would look at each of
    them for every call that comes: a call of a service with forty methods costs a quarter more.
    """

    def __init__(self, server: grpc.aio.Server, wrap: "Callable[[str, Handler], Handler] | None" = None) -> None:
        self._server = server
        self._wrap = wrap

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Leave out: the same methods come with their names below."""

    def add_registered_method_handlers(self, service: str, methods: "Mapping[str, Handler]") -> None:
        """Add a service's methods."""
        wrap = self._wrap
        wrapped = {name: wrap(f"/{service}/{name}", item) if wrap else item for name, item in methods.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, wrapped),))


class Gate:
    """Makes the handlers of our services from the generated ones."""

    def __init__(self, keys: KeyRing, service_key: str, longest_call: float, limiter: Limiter | None = None) -> None:
        self._keys = keys
        self._limiter = limiter
        self._service_key = service_key.encode()
        self._longest_call = longest_call

    def wrap(self, method: str, handler: Handler) -> Handler:
        """Let a method's calls pass the gate. It may answer with bytes: a response as it was stored.

        To gRPC each is a stream of requests, of which one comes: so a call is refused before its request is read, and
        a flood costs that much less.
        """
        read, write = _or_none(handler.request_deserializer), _or_bytes(handler.response_serializer)
        if handler.unary_unary:
            return grpc.stream_unary_rpc_method_handler(self._unary(handler.unary_unary, method), read, write)
        return grpc.stream_stream_rpc_method_handler(self._stream(handler.unary_stream, method), read, write)

    def _unary(self, behaviour: Any, method: str) -> Any:
        async def call(_requests: AsyncIterator[Any], context: Context) -> Any:
            async with _Answered(method, context) as metadata:
                await self.admit(method, metadata)
                request = await self._only(context)
                left = cast("float | None", context.time_remaining())
                return await self.in_time(behaviour(request, context), left)

        return call

    def _stream(self, behaviour: Any, method: str) -> Any:
        async def call(_requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
            async with _Answered(method, context) as metadata:
                await self.admit(method, metadata)
                request = await self._only(context)
                meter = limits.current()
                with meter.stream() if meter else nullcontext():
                    async for response in behaviour(request, context):
                        yield response

        return call

    async def _only(self, context: Context) -> Any:
        """Read the one request of a call; Rejected where there is none, or none comes in a call's longest time."""
        try:
            async with asyncio.timeout(self._longest_call):
                request = await context.read()
        except TimeoutError:
            raise invalid("request", f"it did not come within {self._longest_call:g} seconds") from None
        if request is None or request is grpc.aio.EOF:
            raise invalid("request", "its bytes are no such request, or a text in it is not UTF-8")
        return request

    async def admit(self, method: str, metadata: Mapping[str, str]) -> None:
        """Let a call in by what it carries, whichever door it came to; Rejected says why not, RATE_LIMITED among it.

        After it `caller` tells whose call this is, `caller_key` by which of its keys, and `limits.current` measures it.
        """
        scheme, _, bearer = str(metadata.get("authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise Rejected("KEY_MISSING")
        if not is_internal(method):
            grant = self._keys.believed(bearer) or await self._keys.grant(bearer)
            if self._limiter:
                key_id = grant.key_id
                meter = self._limiter.known(key_id) or await self._limiter.meet(grant.platform_id, key_id)
                limits.enter(meter)
                meter.spend(limits.REQUESTS)
            if scopes.needed(method) not in grant.allows:
                raise _scope_missing(method, grant)
            _grant.set(grant)
            queueing.enter(self._longest_call)
        elif not self._service_key or not hmac.compare_digest(bearer.encode(), self._service_key):
            raise Rejected("KEY_UNKNOWN")
        else:
            _grant.set(None)

    async def in_time(self, answer: Coroutine[Any, Any, Any], left: float | None = None) -> Any:
        """Wait for an answer, for as long as a call may take; Rejected DEADLINE_PASSED where no time is left.

        `left` are the seconds up to the caller's own deadline, where it has one: that cancels the call by itself.
        """
        if left is not None:
            queueing.shorten(left)
        if left is not None and left <= self._longest_call:
            if left <= 0:
                answer.close()
                raise Rejected("DEADLINE_PASSED")
            return await answer
        try:
            async with asyncio.timeout(self._longest_call):
                return await answer
        except TimeoutError:
            raise Unavailable(f"there was no answer within {self._longest_call:g} seconds") from None


def _scope_missing(method: str, grant: Grant) -> Rejected:
    return Rejected(
        "SCOPE_MISSING",
        {
            "scope": scopes.needed(method),
            "key_id": grant.key_id,
            "scopes": ", ".join(scopes.ordered(grant.scopes)),
        },
    )


@cache
def is_internal(method: str) -> bool:
    """Tell whether a method, "/package.Service/Method", is for the services alone."""
    return method.split("/")[1].endswith(_INTERNAL)


def _or_none(read: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """Read a request; None where its bytes are none, so that the answer is ours and not the library's."""
    parse = cast("Callable[[bytes], Any]", read)

    def deserialize(raw: bytes) -> Any:
        try:
            return parse(raw)
        except DecodeError:
            return None

    return deserialize


def _or_bytes(write: Callable[[Any], bytes] | None) -> Callable[[Any], bytes]:
    """Write a response; one that is bytes already is left as it is."""
    serialize = cast("Callable[[Any], bytes]", write)
    return lambda response: response if type(response) is bytes else serialize(response)


class _Ended(grpc.Status):
    """How a call that was refused ends: by google.rpc details and, for gRPC's own retries, when to come again."""

    def __init__(self, refusal: Rejected) -> None:
        status = rpc_status.to_status(status_of(refusal))
        self.code, self.details = status.code, status.details
        self.trailing_metadata = status.trailing_metadata
        if refusal.retry_after is not None:
            pushback = _PUSHBACK, str(retry_milliseconds(refusal.retry_after))
            self.trailing_metadata = (*status.trailing_metadata, pushback)


_PUSHBACK = "grpc-retry-pushback-ms"
_ALIKE = 1_000
"""So many refusals of the moment are kept as they were written: a flood gets the same ones again and again."""


def _ended(refusal: Rejected) -> _Ended:
    if refusal.retry_after is None or refusal.fields:
        return _Ended(refusal)
    return _of_the_moment(refusal.reason, tuple(refusal.metadata.items()), refusal.retry_after)


@lru_cache(_ALIKE)
def _of_the_moment(reason: ReasonName, metadata: tuple[tuple[str, str], ...], retry_after: float) -> _Ended:
    return _Ended(Rejected(reason, dict(metadata), retry_after=retry_after))


class _Answered:
    """Turns errors into answers, in this one place, counts the call by its code and ends its span."""

    __slots__ = ("_began", "_context", "_method", "_span")

    def __init__(self, method: str, context: Context) -> None:
        self._method = method
        self._context = context
        self._began = time.perf_counter()
        self._span: Span | None = None

    async def __aenter__(self) -> Mapping[str, str]:
        """Enter the caller's trace; gives what the call carries."""
        metadata = cast("Mapping[str, str]", dict(self._context.invocation_metadata() or ()))
        self._span = call_spans.arrived(self._method, metadata.get(trace.HEADER))
        return metadata

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        code = "OK"
        try:
            if error is not None:
                code = "ABORTED" if isinstance(error, grpc.aio.AbortError) else "CANCELLED"
                if isinstance(error, Exception) and code != "ABORTED":
                    status = _ended(refusal_of(self._method, error))
                    code = status.code.name
                    await self._context.abort_with_status(status)
        finally:
            seconds_of(self._method, code).observe(time.perf_counter() - self._began)
            if self._span:
                call_spans.answered(self._span, code)
