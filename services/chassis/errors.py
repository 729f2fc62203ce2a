"""The two words for failure: Rejected (a rule said no: an answer) and Poison (can never succeed: set aside).

Anything else that is raised is transient, or a fault of ours, and is tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from groupbuy.reasons import ReasonName

from services.chassis.reasons import named


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field of a request, and how to mend it."""

    field: str
    description: str


MOST_SAID_BYTES = 1_500
MOST_VALUE_BYTES = 300


class Rejected(Exception):
    """A rule said no. The reason is a name of proto/reasons.toml; the metadata has the keys that are listed there.

    What is said is bounded: a refusal travels in the trailers of an answer, of which clients take no more than 8 KiB.
    A reason that is not in the list is an UnknownReasonError: nobody could look up what to do about it. With
    `retry_after` the same call may succeed in so many seconds; such a refusal is of the moment, and never stored.
    """

    def __init__(
        self,
        reason: ReasonName,
        metadata: Mapping[str, object] | None = None,
        fields: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = named(reason)
        self.metadata = {name: _short(str(value)) for name, value in (metadata or {}).items()}
        self.fields = _first(fields)
        self.retry_after = retry_after


def _short(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= MOST_VALUE_BYTES else raw[: MOST_VALUE_BYTES - 3].decode(errors="ignore") + "..."


def _first(fields: tuple[FieldViolation, ...]) -> tuple[FieldViolation, ...]:
    """Keep the first violations, and count the rest in a last one that names no field; once more changes nothing."""
    kept: list[FieldViolation] = []
    said = 0
    for at, item in enumerate(fields):
        short = FieldViolation(_short(item.field), _short(item.description))
        said += len(f"{short.field}{short.description}".encode()) if short.field else 0
        if kept and said > MOST_SAID_BYTES:
            return (*kept, FieldViolation("", f"{len(fields) - at} more fields cannot be accepted"))
        kept.append(short)
    return tuple(kept)


def invalid(field: str, description: str) -> Rejected:
    """Make the refusal of one bad field."""
    return Rejected("INVALID_ARGUMENT", fields=(FieldViolation(field, description),))


class Poison(Exception):
    """An event that can never be applied; its key is parked with the reason."""

    def __init__(self, event_id: UUID, reason: str) -> None:
        super().__init__(reason)
        self.event_id = event_id
        self.reason = reason


class Stop(Exception):
    """The process cannot go on until an operator acts; the text says what to do."""


class Unavailable(Exception):
    """Something this call needs is away; the caller may send the very same call again."""


class Raced(Unavailable):
    """Somebody else decided one of these requests at the same moment: decided again, its answer is found."""
