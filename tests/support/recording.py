"""Records spans in a test, in its own process."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.chassis import spans, trace


class Recorded:
    """The spans that have ended."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """All of them, in the order they ended."""
        return self._exporter.get_finished_spans()

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [span.name for span in self.spans]

    def named(self, name: str) -> list[ReadableSpan]:
        """Give those of a name."""
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """Give the only one of a name."""
        [found] = self.named(name)
        return found


def traceparent_of(span: ReadableSpan) -> str:
    """Write the context of a span that has ended."""
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{trace.RECORDED}"


def parent_of(span: ReadableSpan) -> str:
    """Write the context of the span above; empty where there is none."""
    above = span.parent
    return f"00-{above.trace_id:032x}-{above.span_id:016x}-{trace.RECORDED}" if above else ""


@contextmanager
def recording(ratio: float = 1.0) -> Iterator[Recorded]:
    """Record; afterwards none are, and there is no current trace."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans.record(provider.get_tracer("tests"), ratio)
    try:
        yield Recorded(exporter)
    finally:
        spans.record(None)
        trace.go_on("")
