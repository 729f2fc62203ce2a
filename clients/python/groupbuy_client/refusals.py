"""What a call was refused with, read from the error that gRPC raises."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2, status_pb2

from groupbuy_client.reasons import Reason, reasons

_DETAILS = "grpc-status-details-bin"
_DOMAIN = "groupbuy"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal. Its reason never changes its meaning; the message is for developers and may."""

    reason: str
    """A name of groupbuy.reasons.ReasonName, or of a newer release than these stubs."""
    retry: str
    """What can be done: never, new_id, same_id or after."""
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What belongs to the reason, as docs/refusals.md lists it."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each field at fault."""

    def for_buyer(self, language: str) -> str | None:
        """Say it to a buyer, in English where the language is not there; None where it is not for a buyer."""
        known: Reason | None = {str(name): reason for name, reason in reasons().items()}.get(self.reason)
        return known.for_buyer(language, self.metadata) if known else None


def refusal_of(error: grpc.RpcError) -> Refusal | None:
    """Read what an error of a call says; None where it is none of the engine's, as when no connection was had."""
    trailers: Iterable[tuple[str, str | bytes]] = getattr(error, "trailing_metadata", tuple)() or ()
    raw = next((value for name, value in trailers if name == _DETAILS), None)
    if not isinstance(raw, bytes):
        return None
    status = status_pb2.Status.FromString(raw)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    if info.domain != _DOMAIN:
        return None
    metadata = {name: value for name, value in info.metadata.items() if name != "retry"}
    fields = {item.field: item.description for item in bad.field_violations}
    return Refusal(info.reason, info.metadata["retry"], status.message, metadata, fields)


class Refused(Exception):
    """A call was refused; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.reason}: {refusal.message}")
        self.refusal = refusal


@contextmanager
def refusing() -> Iterator[None]:
    """Raise Refused in place of the errors of calls within that are refusals; others are raised as they are."""
    try:
        yield
    except grpc.RpcError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise Refused(refusal) from error
