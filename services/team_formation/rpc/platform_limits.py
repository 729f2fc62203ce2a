"""Reads what operators ask of a platform's limits."""

from collections.abc import Mapping
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb

from services.chassis import ids, platforms
from services.chassis.errors import FieldViolation, Rejected

MOST = 1_000_000_000
_NAMES: frozenset[str] = frozenset(events_pb2.PlatformLimits.DESCRIPTOR.fields_by_name)


def platform_of(text: str) -> UUID:
    """Read a platform's id; Rejected PLATFORM_UNKNOWN."""
    found = ids.parse(platforms.ID_PREFIX, text, 1)
    if found is None:
        raise Rejected("PLATFORM_UNKNOWN")
    return found[0]


def limits_wanted(request: pb.SetPlatformLimitsRequest) -> Mapping[str, int | None]:
    """Read the limits to set, None for those whose default is to hold again; Rejected INVALID_ARGUMENT."""
    wanted = platforms.read_limits(request.limits)
    problems = [
        FieldViolation(f"limits.{name}", f"must be 1 to {MOST}")
        for name, value in wanted.items()
        if not 1 <= value <= MOST
    ]
    for at, name in enumerate(request.reset):
        if name not in _NAMES:
            problems.append(FieldViolation(f"reset[{at}]", f"must be one of {', '.join(sorted(_NAMES))}"))
        elif name in wanted:
            problems.append(FieldViolation(f"reset[{at}]", "is among the limits to set; name it in one of the two"))
    if problems:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(problems))
    return {**wanted, **dict.fromkeys(request.reset)}
