"""Structured logs: one JSON object a line, or lines for people, with the trace and span ids of the work under way."""

import logging
import sys

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from services.chassis import trace


def _with_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if found := trace.trace_id():
        event["trace_id"] = found
    if span := trace.span_id():
        event["span_id"] = span
    return event


def configure(service: str, form: str, level: str) -> None:
    """Set up logging for a process: `form` is json or text, `level` the least level written; for libraries too."""
    structlog.contextvars.bind_contextvars(service=service)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _with_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: structlog.typing.Processor
    if form == "json":
        shared.append(structlog.processors.format_exc_info)
        render = structlog.processors.JSONRenderer()
    else:
        # The values of variables, which the default shows, may be addresses and secrets.
        plain = structlog.dev.plain_traceback
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=render))
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)
    # The client logs each refused connection many times a second while a broker is away; our own lines say it once.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def logger(name: str) -> FilteringBoundLogger:
    """Get a logger for a module."""
    log: FilteringBoundLogger = structlog.get_logger(name)
    return log
