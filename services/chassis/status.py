"""The one mapping from our errors to gRPC status with google.rpc details."""

import asyncio
import math
from collections.abc import Awaitable
from typing import TypeVar

import grpc
import psycopg
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from psycopg_pool import PoolTimeout

from services.chassis.errors import FieldViolation, Rejected, Unavailable
from services.chassis.reasons import UnknownReasonError, named, reasons

DOMAIN = "groupbuy"

Response = TypeVar("Response")


def status_of(rejected: Rejected) -> status_pb2.Status:
    """Make the google.rpc.Status of a refusal: ErrorInfo always, BadRequest where fields are at fault.

    RetryInfo where the same call may succeed in a while, and when.
    """
    reason = reasons()[rejected.reason]
    info = error_details_pb2.ErrorInfo(
        reason=reason.name, domain=DOMAIN, metadata={**rejected.metadata, "retry": reason.retry}
    )
    status = status_pb2.Status(code=reason.code.value[0], message=reason.sentence(rejected.metadata))
    status.details.append(_packed(info))
    if rejected.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=item.field, description=item.description)
            for item in rejected.fields
        ]
        status.details.append(_packed(error_details_pb2.BadRequest(field_violations=violations)))
        status.message += " " + "; ".join(
            ": ".join(filter(None, (item.field, item.description))) for item in rejected.fields
        )
    if rejected.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(retry_milliseconds(rejected.retry_after))
        status.details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    return status


def retry_milliseconds(seconds: float) -> int:
    """Give whole milliseconds, rounded up: who comes back then does not come too early."""
    return math.ceil(seconds * 1000)


def _packed(message: Message) -> any_pb2.Any:
    box = any_pb2.Any()
    box.Pack(message)
    return box


def rejected_of(status: status_pb2.Status) -> Rejected:
    """Read a refusal back from its status, the inverse of `status_of`; UnknownReasonError where its reason is none."""
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        detail.Unpack(retry)
    metadata = {name: value for name, value in info.metadata.items() if name != "retry"}
    fields = tuple(FieldViolation(item.field, item.description) for item in bad.field_violations)
    after = retry.retry_delay.ToMilliseconds() / 1000 if retry.HasField("retry_delay") else None
    return Rejected(named(info.reason), metadata, fields, after)


def transient(error: BaseException) -> str | None:
    """Say what is away where the error means that the same call may succeed later, else None."""
    if isinstance(error, Unavailable):
        return str(error)
    if isinstance(error, grpc.aio.AioRpcError) and error.code() in _PASSING:
        return "another service does not answer"
    return next((what for kind, what in _AWAY if isinstance(error, kind)), None)


_AWAY: tuple[tuple[type[BaseException], str], ...] = (
    (psycopg.errors.DiskFull, "the database has no room"),
    (psycopg.errors.ReadOnlySqlTransaction, "the database is read-only"),
    (PoolTimeout, "the database does not answer"),
    (psycopg.OperationalError, "the database does not answer"),
    (psycopg.InterfaceError, "the database does not answer"),
    (asyncio.TimeoutError, "a connection failed"),
    (ConnectionError, "a connection failed"),
)
"""What errors say of what is away, the narrower ones first."""
_PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
# What another service says of itself or of our key is no answer to our caller.
_NO_ANSWERS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAUTHENTICATED, *_PASSING}


async def rejected_by(call: Awaitable[Response]) -> Response | Rejected:
    """Wait for another service's answer; a refusal by its rules comes back as a value, everything else is raised."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        refusal = _refusal_in(error)
        if error.code() in _NO_ANSWERS or refusal is None:
            raise
        return refusal


def _refusal_in(error: grpc.aio.AioRpcError) -> Rejected | None:
    """Read the refusal that an error carries; None where there is none, or only a newer release knows its reason."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
    try:
        return rejected_of(status) if status else None
    except UnknownReasonError:
        return None
