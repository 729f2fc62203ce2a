"""The two words for failure: Rejected (a rule said no: an answer) and Poison (can never succeed: set aside).

Anything else that is raised is transient, or a fault of ours, and is tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field of a request, and how to mend it."""

    field: str
    description: str


class Rejected(Exception):
    """A rule said no. The reason is a name of proto/reasons.toml; the metadata fills its message."""

    def __init__(
        self, reason: str, metadata: Mapping[str, object] | None = None, fields: tuple[FieldViolation, ...] = ()
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.metadata = {name: str(value) for name, value in (metadata or {}).items()}
        self.fields = fields


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
