"""Refusals that a test twin asks for by name, such as a member id test_refuse_TEAM_FULL: which one a call is to get.

A name is test_refuse_REASON, for every RPC that names the reason, or test_refuse_RPC_REASON for one of them; what
follows a full stop tells several apart. It is looked for in every text of a request, so that an RPC without a member is
asked by its request_id or by the id of what it reads. What the RPC does not name is no such name.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from groupbuy.reasons import ReasonName

from services.chassis.errors import FieldViolation, Rejected
from services.chassis.reasons import Reason, named, reasons

PREFIX = "test_refuse_"
_MOMENT = "2030-01-01T00:00:00Z"
_TIMES = frozenset({"latest_end", "hold_until", "until", "open_until"})
NUMBERS = frozenset(
    """
    allowed has left limit max_unit_price max_uses maximum quantity quoted retry_seconds seats seen sponsored taken
    unit_price unpaid version waiting_seconds
    """.split()  # noqa: SIM905 - a list of words is read more easily than a page of quotes
)
"""Keys of metadata that are counts, amounts and versions."""
_NEVER_STORED = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}


def forced(method: MethodDescriptor, request: Message) -> Rejected | None:
    """Give the refusal that a request asks for; None where it asks for none that its RPC can give."""
    for field, text in _texts(request):
        if found := asked(method.full_name, text):
            return refusal(found, field)
    return None


class Asked(NamedTuple):
    """A refusal that is asked for."""

    reason: ReasonName
    listed: Reason


def asked(rpc: str, text: str) -> Asked | None:
    """Tell which reason a text asks an RPC, by its full name, to refuse by."""
    if not text.startswith(PREFIX):
        return None
    words = text.removeprefix(PREFIX).partition(".")[0]
    name = words.removeprefix(f"{rpc.rpartition('.')[2]}_")
    listed = reasons().get(name)
    if listed is None or not (listed.every or name in by_rpc().get(rpc, ())):
        return None
    return Asked(named(name), listed)


def refusal(wanted: Asked, field: str) -> Rejected:
    """Make a refusal with metadata as it may look; it is the same whenever it is asked for."""
    violations = (FieldViolation(field, "names the refusal that is asked for"),)
    return Rejected(
        wanted.reason,
        {key: _sample(key) for key in wanted.listed.metadata},
        fields=violations if wanted.reason == "INVALID_ARGUMENT" else (),
    )


def is_stored(refused: Rejected) -> bool:
    """Tell whether a refusal is kept for its request id: whether a rule decides it, not the moment or a field."""
    reason = reasons()[refused.reason]
    return not reason.every and reason.code not in _NEVER_STORED


@cache
def by_rpc() -> Mapping[str, list[str]]:
    """Give the reasons that the comment of each public RPC names, by its full name."""
    found: dict[str, list[str]] = json.loads((files("groupbuy") / "rpc_reasons.json").read_text(encoding="utf-8"))
    return found


def _sample(key: str) -> str:
    if key.endswith("_at") or key in _TIMES:
        return _MOMENT
    return "1" if key in NUMBERS else "test"


def _texts(request: Message) -> Iterator[tuple[str, str]]:
    """Give the texts of a request, those of messages in it too, by the names of their fields."""
    for field, value in request.ListFields():
        if field.type == field.TYPE_STRING:
            yield from ((field.name, text) for text in ([value] if isinstance(value, str) else value))
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for inner in [value] if isinstance(value, Message) else value:
                yield from _texts(inner)
