"""Channels to the engine: with the client policy, and a platform's key on every call."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import grpc

from groupbuy_client.policy import service_config

Options = Sequence[tuple[str, Any]]


def connect(
    address: str,
    key: str,
    *,
    tls: grpc.ChannelCredentials | None = None,
    plaintext: bool = False,
    options: Options = (),
) -> grpc.Channel:
    """Open a channel to one service, "host:port"; calls have the policy's deadlines and are sent again as it says.

    `tls` are credentials of your own, else the system's certificates are trusted. `plaintext` sends the key and all
    else readable: for one machine, or a network that encrypts by itself. `options` are gRPC's; yours go before ours.
    """
    given = _options(options)
    channel = (
        grpc.insecure_channel(address, given)
        if plaintext
        else grpc.secure_channel(address, tls or grpc.ssl_channel_credentials(), given)
    )
    return grpc.intercept_channel(channel, _Key(key))


def connect_aio(
    address: str,
    key: str,
    *,
    tls: grpc.ChannelCredentials | None = None,
    plaintext: bool = False,
    options: Options = (),
) -> grpc.aio.Channel:
    """Open such a channel for asyncio."""
    given = _options(options)
    interceptors: list[grpc.aio.ClientInterceptor] = [_UnaryKey(key), _StreamKey(key)]
    if plaintext:
        return grpc.aio.insecure_channel(address, given, interceptors=interceptors)
    return grpc.aio.secure_channel(address, tls or grpc.ssl_channel_credentials(), given, interceptors=interceptors)


def new_request_id() -> str:
    """Make a request id. Keep it with what you do: after a crash the same id gives the same answer."""
    return str(uuid4())


# By itself gRPC waits a second and more before it connects again, and calls fail meanwhile whatever the policy: where
# one of several servers has just died, the next connection may already reach another.
_RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
]


def _options(own: Options) -> list[tuple[str, Any]]:
    # of an option that is there twice gRPC takes the first
    return [*own, ("grpc.service_config", service_config()), ("grpc.enable_retries", 1), *_RECONNECT]


class _Key(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self, key: str) -> None:
        self._entry = ("authorization", f"Bearer {key}")

    def intercept_unary_unary(self, going_on: Callable[..., Any], call: Any, request: Any) -> Any:
        return going_on(self._with_key(call), request)

    def intercept_unary_stream(self, going_on: Callable[..., Any], call: Any, request: Any) -> Any:
        return going_on(self._with_key(call), request)

    def _with_key(self, call: Any) -> Any:
        return _Details(call, (*(call.metadata or ()), self._entry))


class _Details(grpc.ClientCallDetails):
    """The details of a call with other metadata."""

    def __init__(self, call: Any, metadata: tuple[tuple[str, str | bytes], ...]) -> None:
        self.method = call.method
        self.timeout = call.timeout
        self.metadata = metadata
        self.credentials = call.credentials
        self.wait_for_ready = call.wait_for_ready
        self.compression = call.compression


class _AioKey:
    def __init__(self, key: str) -> None:
        self._entry = ("authorization", f"Bearer {key}")

    async def _going_on(self, going_on: Callable[..., Any], call: Any, request: Any) -> Any:
        metadata = grpc.aio.Metadata(*(call.metadata or ()), self._entry)
        return await going_on(call._replace(metadata=metadata), request)


class _UnaryKey(_AioKey, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await self._going_on(continuation, client_call_details, request)


class _StreamKey(_AioKey, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await self._going_on(continuation, client_call_details, request)
