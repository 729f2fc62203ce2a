"""Takes spans over OTLP and gRPC, and keeps them by their traces."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service_grpc
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from deploy.local.errors import LocalError

_PREFIX = "SPAN_KIND_"


@dataclass(frozen=True, slots=True)
class Hop:
    """One span; times are in nanoseconds of Unix time."""

    trace_id: str
    span_id: str
    parent_id: str
    """Empty for the first one of a trace."""
    service: str
    name: str
    kind: str
    began: int
    ended: int
    failed: bool
    attributes: Mapping[str, str | int | float | bool]
    links: tuple[str, ...]
    """Traces that it is linked with."""
    resource: Mapping[str, str | int | float | bool] = field(default_factory=dict)


class Receiver(service_grpc.TraceServiceServicer):
    """Listens as a collector does; keeps the spans of each trace, and when its last one came."""

    def __init__(self) -> None:
        self.traces: dict[str, list[Hop]] = {}
        self.heard_at: dict[str, float] = {}
        """In seconds of time.monotonic."""
        self._server: grpc.aio.Server | None = None

    async def start(self, listen: str = "127.0.0.1:0", credentials: grpc.ServerCredentials | None = None) -> int:
        """Listen, with credentials over TLS; gives the port. LocalError where it is taken."""
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        cast("Any", service_grpc.add_TraceServiceServicer_to_server)(self, self._server)
        try:
            port: int = (
                self._server.add_secure_port(listen, credentials)
                if credentials
                else self._server.add_insecure_port(listen)
            )
        except RuntimeError:
            raise LocalError(f"Nothing can listen on {listen}.", "Choose another address with --listen.") from None
        await self._server.start()
        return port

    async def stop(self) -> None:
        """Listen no longer."""
        if self._server:
            await self._server.stop(None)

    async def Export(  # noqa: N802 - gRPC's name
        self, request: service_pb.ExportTraceServiceRequest, _context: object
    ) -> service_pb.ExportTraceServiceResponse:
        """Take spans."""
        for group in request.resource_spans:
            resource = _values(group.resource.attributes)
            for scope in group.scope_spans:
                for span in scope.spans:
                    self._take(_hop(span, resource))
        return service_pb.ExportTraceServiceResponse()

    def _take(self, hop: Hop) -> None:
        self.traces.setdefault(hop.trace_id, []).append(hop)
        self.heard_at[hop.trace_id] = time.monotonic()

    def quiet_since(self, seconds: float) -> list[str]:
        """Give the traces of which nothing has come for so many seconds."""
        before = time.monotonic() - seconds
        return [trace_id for trace_id, at in self.heard_at.items() if at <= before]

    def forget(self, trace_id: str) -> list[Hop]:
        """Give up a trace; its spans."""
        del self.heard_at[trace_id]
        return self.traces.pop(trace_id)


def _hop(span: trace_pb2.Span, resource: Mapping[str, str | int | float | bool]) -> Hop:
    return Hop(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        service=str(resource.get("service.name", "")),
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix(_PREFIX),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        attributes=_values(span.attributes),
        links=tuple(link.trace_id.hex() for link in span.links),
        resource=resource,
    )


def _values(pairs: Any) -> dict[str, str | int | float | bool]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: common_pb2.AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else ""
