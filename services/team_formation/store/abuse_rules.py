"""A campaign's rules against abuse, as they stand in its row; times are in microseconds."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from services.team_formation.domain import AbuseAction, AbuseRule, Signal

_TICK = timedelta(microseconds=1)


def rules_data(rules: Sequence[AbuseRule]) -> list[dict[str, Any]]:
    """Write rules."""
    return [
        {"signal": rule.signal, "action": rule.action, "limit": rule.limit, "within": rule.within // _TICK}
        for rule in rules
    ]


def rules_of(data: Sequence[dict[str, Any]]) -> tuple[AbuseRule, ...]:
    """Read rules."""
    return tuple(
        AbuseRule(Signal(row["signal"]), AbuseAction(row["action"]), row["limit"], row["within"] * _TICK)
        for row in data
    )
