"""Judges a join by the signs of abuse that it shows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.team_formation.domain.abuse import AbuseAction, AbuseRule, Signal
from services.team_formation.domain.team import Refusal


class Verdict(NamedTuple):
    """What rules say about a join."""

    refusal: Refusal | None = None
    flags: tuple[Signal, ...] = ()
    """Signals that the seat is marked with."""


_NOTHING = Verdict()


def shown(rules: Sequence[AbuseRule], seen: Mapping[Signal, int]) -> list[AbuseRule]:
    """Tell which rules a join is beyond the limits of; `seen` counts what was before it, per signal."""
    return [rule for rule in rules if rule.signal and seen.get(rule.signal, -1) >= rule.limit]


def judge(rules: Sequence[AbuseRule], seen: Mapping[Signal, int] | None) -> Verdict:
    """Decide about a join: the first rule that refuses it does so; flags stand in the order of the rules."""
    if not seen:
        return _NOTHING
    found = shown(rules, seen)
    for rule in found:
        if rule.signal and rule.action is AbuseAction.REFUSE:
            return Verdict(_suspected(rule.signal, rule.limit, seen[rule.signal] + 1))
    return Verdict(flags=tuple(rule.signal for rule in found if rule.signal and rule.action is AbuseAction.FLAG))


def _suspected(signal: Signal, limit: int, seen: int) -> Refusal:
    return Refusal("JOIN_SUSPECTED", {"signal": str(signal), "limit": str(limit), "seen": str(seen)})
