"""Sends spans to an OpenTelemetry receiver from a thread of its own: the path of a call never waits for it.

What there is no room for, and what the receiver does not take, is dropped and counted.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from uuid import uuid4

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.semconv._incubating.attributes import service_attributes as service_names
from opentelemetry.semconv.attributes.deployment_attributes import DEPLOYMENT_ENVIRONMENT_NAME

from services.chassis import logs, metrics, spans
from services.chassis.tls import Renewed, TlsFiles, channel_credentials
from services.chassis.trace_settings import TraceSettings

ROOM = 4096
"""Spans that wait at most: some megabytes."""
BATCH = 512
PAUSE_SECONDS = 1.0
"""How long a span waits for others at most."""
EXPORT_SECONDS = 5.0
FLUSH_SECONDS = 3.0
"""How long the end of a process waits at most for what is left to be taken."""
COMPLAIN_SECONDS = 60.0
_EXPORTED = metrics.SPANS.labels("exported")
_NO_ROOM = metrics.SPANS.labels("no_room")
_NOT_TAKEN = metrics.SPANS.labels("not_taken")

log = logs.logger(__name__)


class Outbound(SpanProcessor):
    """Takes spans that have ended, and hands them to an exporter in batches, on its thread."""

    def __init__(self, exporter: Callable[[], SpanExporter], *, room: int = ROOM) -> None:
        self._exporter = exporter
        self._room = room
        self._waiting: deque[ReadableSpan] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._complained_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Do nothing yet."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span, where there is room."""
        if self._stopping or len(self._waiting) >= self._room:
            _NO_ROOM.inc()
            return
        self._waiting.append(span)
        if len(self._waiting) >= BATCH:
            self._wake.set()

    def finish(self, seconds: float) -> None:
        """Send what is left, for so many seconds at most; what is left then is dropped and counted."""
        self._stopping = True
        self._wake.set()
        self._thread.join(seconds)
        left = len(self._waiting)
        self._waiting.clear()
        _NOT_TAKEN.inc(left)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(PAUSE_SECONDS)
            self._wake.clear()
            self._send_all()
        self._send_all()

    def _send_all(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if self._send(batch):
                _EXPORTED.inc(len(batch))
            else:
                _NOT_TAKEN.inc(len(batch))
                self._complain()

    def _send(self, batch: Sequence[ReadableSpan]) -> bool:
        try:
            return self._exporter().export(batch) is SpanExportResult.SUCCESS
        except Exception:  # noqa: BLE001 - whatever it is, spans are no reason to stop for
            return False

    def _complain(self) -> None:
        if time.monotonic() - self._complained_at >= COMPLAIN_SECONDS:
            self._complained_at = time.monotonic()
            log.warning("spans are dropped: the receiver of traces does not take them; groupbuy_spans_total counts")


class Traces:
    """Recording as a part of a process: it begins first and ends last."""

    def __init__(self, service: str, settings: TraceSettings) -> None:
        """OSError where the files of TLS cannot be used."""
        endpoint, files = settings.traces_endpoint, settings.traces_security
        # the exporter says each failure by itself; ours are said now and then
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exporter = _exporter(endpoint, files)
        self._outbound = Outbound(self._exporter)
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # what is not recorded does not come here
            resource=_resource(service, settings.environment),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_links=BATCH),
        )
        self._provider.add_span_processor(self._outbound)
        self._ratio = settings.traces_ratio

    async def start(self) -> None:
        """Begin to record."""
        self._outbound.start()
        spans.record(self._provider.get_tracer("groupbuy", _release()), self._ratio)

    async def stop(self) -> None:
        """Cease to record, and send what is left."""
        spans.record(None)
        await asyncio.to_thread(self._outbound.finish, FLUSH_SECONDS)


def _exporter(endpoint: str, files: TlsFiles | None) -> Callable[[], SpanExporter]:
    """Make what gives the exporter: another one where the files of TLS are others."""

    def made() -> SpanExporter:
        return OTLPSpanExporter(
            endpoint=endpoint,
            insecure=files is None,
            credentials=None if files is None else channel_credentials(files),
            timeout=EXPORT_SECONDS,
        )

    return Renewed(files.named if files else (), made).get


def _resource(service: str, environment: str) -> Resource:
    """Say who speaks; what the environment has for other programs (OTEL_...) is not asked."""
    said = {
        service_names.SERVICE_NAME: service,
        service_names.SERVICE_NAMESPACE: "groupbuy",
        service_names.SERVICE_VERSION: _release(),
        service_names.SERVICE_INSTANCE_ID: str(uuid4()),
    }
    return Resource({**said, DEPLOYMENT_ENVIRONMENT_NAME: environment} if environment else said)


def _release() -> str:
    """Tell which release this is; where it runs from its files alone nobody has said."""
    try:
        return version("groupbuy")
    except PackageNotFoundError:
        return "unknown"
