"""The second door: every unary public RPC as `POST /<package.Service>/<Method>` in protobuf-JSON over HTTP/1.1.

A call goes through the same gate into the same method as over gRPC, so answers and refusals are the same. A key is
looked at before a body is read: whoever has none fills no memory. Streams and the services' own RPCs are not here.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from starlette.types import Receive, Scope, Send

from services.chassis import call_spans, json_calls, trace
from services.chassis.errors import Rejected
from services.chassis.gate import Gate, is_internal
from services.chassis.http_server import HttpServer, is_ambiguous
from services.chassis.json_methods import Method, methods_of
from services.chassis.json_request import BadRequest, Gone, body_of, metadata_of
from services.chassis.json_status import headers_of, http_status_of
from services.chassis.openapi import document_of
from services.chassis.outcomes import refusal_of, seconds_of
from services.chassis.reasons import reasons
from services.chassis.server import Servicer
from services.chassis.status import status_of
from services.chassis.tls import Listening

DOCUMENT = "/openapi.json"
MOST_CONNECTIONS = 10_000
"""Of one process; who comes then is answered 503."""
KEEP_ALIVE_SECONDS = 75
"""Programs keep connections for their next call, most of them a minute: who closes first should be they."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: HTTP status, body, and headers beside those of every answer."""

    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]] = ()


class JsonDoor:
    """The application: it has the methods of servicers, and the gate of the gRPC server."""

    def __init__(self, servicers: Iterable[Servicer], gate: Gate) -> None:
        public = [servicer for servicer in servicers if not is_internal(f"/{servicer.name}/")]
        self._gate = gate
        self._methods = {path: item for servicer in public for path, item in methods_of(servicer).items()}
        self._document = document_of([servicer.name for servicer in public])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except Gone:
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer.body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *answer.headers,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, verb = scope["path"], scope["method"]
        method = self._methods.get(path)
        if is_ambiguous(scope):
            return _refused(BadRequest(400, "content-length", "a request says its length once", closes=True))
        if path == DOCUMENT and verb in {"GET", "HEAD"}:
            return Answer(200, self._document)
        if method is None and path != DOCUMENT:
            return _refused(Rejected("CALL_UNKNOWN"))
        if method is None or verb != "POST":
            allowed = b"POST" if method else b"GET, HEAD"
            refused = _refused(BadRequest(405, "request", f"it is asked for with {allowed.decode()}"))
            return Answer(refused.status, refused.body, [*refused.headers, (b"allow", allowed)])
        return await self._called(path, method, scope, receive)

    async def _called(self, path: str, method: Method, scope: Scope, receive: Receive) -> Answer:
        """Make a call, and count it by its code."""
        began = time.perf_counter()
        code, status = "CANCELLED", 0
        metadata = metadata_of(scope)
        span = call_spans.requested("POST", path, metadata.get(trace.HEADER))
        try:
            answer = Answer(200, await self._response(path, method, metadata, scope, receive))
            code, status = "OK", 200
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller has an answer, and the log the cause
            refusal = refusal_of(path, error)
            code = reasons()[refusal.reason].code.name
            answer = _refused(refusal)
            status = answer.status
        finally:
            seconds_of(path, code).observe(time.perf_counter() - began)
            if span:
                call_spans.responded(span, code, status)
        return answer

    async def _response(
        self, path: str, method: Method, metadata: Mapping[str, str], scope: Scope, receive: Receive
    ) -> bytes:
        await self._gate.admit(path, metadata)
        if method.behaviour is None:
            raise Rejected("CALL_STREAMS")
        request = json_calls.read(await body_of(scope, receive), method.request)
        answer: Message | bytes = await _unless_gone(self._gate.in_time(method.behaviour(request, None)), receive)
        # an answer that is stored as bytes comes as bytes
        return json_calls.written(method.response.FromString(answer) if isinstance(answer, bytes) else answer)


def json_server(listen: str, door: JsonDoor, drain_seconds: float, tls: Listening | None = None) -> HttpServer:
    """Make the server of a door."""
    return HttpServer(
        listen,
        door,
        setting="HTTP_LISTEN",
        most_connections=MOST_CONNECTIONS,
        drain_seconds=drain_seconds,
        keep_alive_seconds=KEEP_ALIVE_SECONDS,
        tls=tls,
    )


async def _unless_gone(answer: Any, receive: Receive) -> Any:
    """Wait for an answer; Gone, and the call cancelled, where the caller closes the connection before."""
    call, gone = asyncio.ensure_future(answer), asyncio.ensure_future(receive())
    try:
        await asyncio.wait((call, gone), return_when=asyncio.FIRST_COMPLETED)
        if not call.done():
            raise Gone
        return call.result()
    finally:
        for task in (call, gone):
            task.cancel()
        await asyncio.gather(call, gone, return_exceptions=True)


def _refused(refusal: Rejected) -> Answer:
    status = status_of(refusal)
    headers = headers_of(status)
    if not isinstance(refusal, BadRequest):
        return Answer(http_status_of(status), json_calls.written(status), headers)
    if refusal.closes:
        headers.append((b"connection", b"close"))
    return Answer(refusal.http_status, json_calls.written(status), headers)
