"""Spans of calls: at both doors, to other services and to servers of others, named as OpenTelemetry does.

Sources: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/ and https://opentelemetry.io/docs/specs/semconv/http/.
What HTTP asks for besides, the URL and the host, is left out: tokens and members' addresses are in them.
"""

from contextlib import AbstractContextManager
from functools import cache

from opentelemetry.semconv._incubating.attributes import rpc_attributes as rpc
from opentelemetry.semconv.attributes import http_attributes as http

from services.chassis import spans
from services.chassis.spans import Attributes, Span, SpanKind

_OURS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
"""Codes that say that who answers failed; all others are answers."""
_FIRST_FAILURE = 500
_FIRST_REFUSAL = 400


@cache
def _of_method(method: str) -> Attributes:
    return {rpc.RPC_SYSTEM_NAME: "grpc", rpc.RPC_METHOD: method[1:]}


def arrived(method: str, traceparent: str | None) -> Span | None:
    """Enter the trace of a call by gRPC, "/package.Service/Method"; gives its span where one is made."""
    return spans.arrived(method[1:], traceparent, _of_method(method))


def answered(span: Span, code: str) -> None:
    """End the span of a call that was answered with a code."""
    span.set_attribute(rpc.RPC_RESPONSE_STATUS_CODE, code)
    if code in _OURS:
        spans.fail(span, code)
    spans.end(span)


def requested(verb: str, route: str, traceparent: str | None) -> Span | None:
    """Enter the trace of a request over HTTP; `route` is what the code calls its path, without what stands in it."""
    attributes = {http.HTTP_REQUEST_METHOD: verb, http.HTTP_ROUTE: route}
    return spans.arrived(f"{verb} {route}", traceparent, attributes)


def visited(verb: str) -> Span | None:
    """Begin the trace of a request by anybody: what a stranger says of traces is not heard. Its route comes later."""
    return spans.arrived(verb, None, {http.HTTP_REQUEST_METHOD: verb})


def routed(span: Span, verb: str, route: str) -> None:
    """Say by which route a request was answered, as the code writes it: without the codes that stand in paths."""
    span.update_name(f"{verb} {route}")
    span.set_attribute(http.HTTP_ROUTE, route)


def responded(span: Span, code: str, status: int) -> None:
    """End the span of a request that was answered; status 0 where nobody waited any more."""
    if status:
        span.set_attribute(http.HTTP_RESPONSE_STATUS_CODE, status)
    if status >= _FIRST_FAILURE:
        spans.fail(span, code)
    spans.end(span)


def calling(method: str) -> AbstractContextManager[Span]:
    """Call another service under a span, where the current trace is recorded."""
    return spans.under(method[1:], _of_method(method), SpanKind.CLIENT)


def was_answered(span: Span, code: str) -> None:
    """Say with which code a call of ours was answered; all but OK are failures to who called."""
    span.set_attribute(rpc.RPC_RESPONSE_STATUS_CODE, code)
    if code != "OK":
        spans.fail(span, code)


def requesting(verb: str) -> AbstractContextManager[Span]:
    """Send a request to a server of others under a span, where the current trace is recorded."""
    return spans.under(verb, {http.HTTP_REQUEST_METHOD: verb}, SpanKind.CLIENT)


def got(span: Span, status: int) -> None:
    """Say how a server of others answered."""
    span.set_attribute(http.HTTP_RESPONSE_STATUS_CODE, status)
    if status >= _FIRST_REFUSAL:
        spans.fail(span, str(status))
