"""Channels to other services: plain, or TLS whose files may be renewed while the channel is open."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeAlias

import grpc

from services.chassis import call_spans, trace
from services.chassis.tls import Renewed, TlsFiles, channel_credentials

Options: TypeAlias = Sequence[tuple[str, Any]]
Metadata: TypeAlias = Sequence[tuple[str, str]]
_Kind: TypeAlias = Callable[[grpc.aio.Channel], Any]

GRACE_SECONDS = 30.0
"""How long calls under way may take where a channel has a successor: none of ours takes longer."""


class Channels:
    """How this process calls other services; with authorities it calls over TLS."""

    def __init__(self, files: TlsFiles | None) -> None:
        self._files = files

    def open(self, address: str, options: Options = ()) -> grpc.aio.Channel:
        """Open a channel, which connects when it is first used; OSError where the files of TLS cannot be used."""
        if self._files is None:
            return TracedChannel(grpc.aio.insecure_channel(address, options=options))
        return TracedChannel(_RenewedChannel(address, options, self._files))


PLAIN = Channels(None)


class TracedChannel(grpc.aio.Channel):
    """A channel whose calls go on in the trace of the work under way, each with its span where that is recorded.

    Services ask each other for one answer to one request; calls of other kinds go as they are.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Close it."""
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - gRPC's
        """Tell how it stands."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until it stands otherwise."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until it is connected."""
        await self._channel.channel_ready()

    def unary_unary(self, method: str, *more: Any, **how: Any) -> Any:
        """Make what calls a method."""
        return _TracedCalls(method, self._channel.unary_unary(method, *more, **how))

    def unary_stream(self, *method: Any, **how: Any) -> Any:
        """Make what calls a method."""
        return self._channel.unary_stream(*method, **how)

    def stream_unary(self, *method: Any, **how: Any) -> Any:
        """Make what calls a method."""
        return self._channel.stream_unary(*method, **how)

    def stream_stream(self, *method: Any, **how: Any) -> Any:
        """Make what calls a method."""
        return self._channel.stream_stream(*method, **how)


class _TracedCalls:
    """Calls a method in the current trace."""

    def __init__(self, method: str, call: Any) -> None:
        self._method = method
        self._call = call

    async def __call__(self, request: Any, *, metadata: Metadata = (), **options: Any) -> Any:
        """Call it."""
        with call_spans.calling(self._method) as span:
            if own := trace.current():
                metadata = (*metadata, (trace.HEADER, own))
            try:
                answer = await self._call(request, metadata=metadata, **options)
            except grpc.aio.AioRpcError as error:
                call_spans.was_answered(span, error.code().name)
                raise
            call_spans.was_answered(span, "OK")
            return answer


class _RenewedChannel(grpc.aio.Channel):
    """A channel that goes on with the files as they are at each call; a connection keeps those that it began with."""

    def __init__(self, address: str, options: Options, files: TlsFiles) -> None:
        self._address = address
        self._options = options
        self._files = files
        self._ending: set[asyncio.Task[None]] = set()
        self._open: grpc.aio.Channel | None = None
        self._renewed = Renewed(files.named, self._opened)

    def _opened(self) -> grpc.aio.Channel:
        opened = grpc.aio.secure_channel(self._address, channel_credentials(self._files), options=self._options)
        if self._open:
            task = asyncio.get_running_loop().create_task(self._open.close(GRACE_SECONDS))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        self._open = opened
        return opened

    def current(self) -> grpc.aio.Channel:
        """Give the channel that is called by now."""
        return self._renewed.get()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Close it, and those before it at once."""
        for task in self._ending:
            task.cancel()
        await self._renewed.get().close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - gRPC's
        """Tell how the channel in use stands."""
        return self.current().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the channel in use stands otherwise."""
        await self.current().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the channel in use is connected."""
        await self.current().channel_ready()

    def unary_unary(self, *method: Any, **how: Any) -> Any:
        """Make what calls a method."""
        return _Calls(self, lambda channel: channel.unary_unary(*method, **how))

    def unary_stream(self, *method: Any, **how: Any) -> Any:
        """Make what calls a method."""
        return _Calls(self, lambda channel: channel.unary_stream(*method, **how))

    def stream_unary(self, *method: Any, **how: Any) -> Any:
        """Make what calls a method."""
        return _Calls(self, lambda channel: channel.stream_unary(*method, **how))

    def stream_stream(self, *method: Any, **how: Any) -> Any:
        """Make what calls a method."""
        return _Calls(self, lambda channel: channel.stream_stream(*method, **how))


class _Calls:
    """Calls a method by the channel in use."""

    def __init__(self, channel: _RenewedChannel, make: _Kind) -> None:
        self._channel = channel
        self._make = make
        self._made: tuple[grpc.aio.Channel, Any] | None = None

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call it."""
        current = self._channel.current()
        if self._made is None or self._made[0] is not current:
            self._made = current, self._make(current)
        return self._made[1](*arguments, **options)
