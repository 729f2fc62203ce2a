"""What is wrong with the wishes that a platform registers for a member, by field."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from groupbuy.notification.v1 import notification_service_pb2 as pb2

from services.notification.domain import CONCERNS, quiet_problem
from services.notification.translate import kind_of, quiet_of

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LONGEST_SOURCE = 200
_CLOCKS_DIFFER = timedelta(minutes=5)


def wishes_problems(member: pb2.Member, now: datetime) -> dict[str, str | None]:
    """Find what is wrong with quiet hours, muted kinds and consents."""
    found = dict(_quiet_problems(member))
    for at, number in enumerate(member.muted):
        found[f"member.muted[{at}]"] = _muted_problem(number)
    for at, point in enumerate(member.contact_points):
        if point.HasField("consent"):
            field = f"member.contact_points[{at}].consent"
            found[f"{field}.source"] = _source_problem(point.consent.source)
            found[f"{field}.at"] = _at_problem(point.consent, now)
    return found


def _quiet_problems(member: pb2.Member) -> Iterator[tuple[str, str | None]]:
    if not member.HasField("quiet_hours"):
        return
    wrong = False
    for name in ("starts", "ends"):
        if not _TIME.fullmatch(getattr(member.quiet_hours, name)):
            wrong = True
            yield f"member.quiet_hours.{name}", 'must be a time of the day, for instance "22:00"'
    if not wrong:
        yield "member.quiet_hours", quiet_problem(quiet_of(member))
    if not member.time_zone:
        yield "member.time_zone", "must be set where quiet_hours are: they are hours of the member's own clock"


def _muted_problem(number: int) -> str | None:
    kind = kind_of(number)
    if kind is None:
        return "must be a kind of message that there is"
    if not CONCERNS[kind].may_be_muted:
        return f"must be a kind that may be muted: {kind} is about the member's own seat or money; take it out"
    return None


def _source_problem(source: str) -> str | None:
    if 1 <= len(source) <= _LONGEST_SOURCE and source.isprintable():
        return None
    return f"must say where the member agreed, in 1 to {_LONGEST_SOURCE} printable characters"


def _at_problem(consent: pb2.Consent, now: datetime) -> str | None:
    if not consent.HasField("at"):
        return "must be set: when the member agreed"
    try:
        at = consent.at.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return "must be a time that there is"
    return "must not be in the future" if at > now + _CLOCKS_DIFFER else None
