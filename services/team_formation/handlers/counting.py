"""Counts the signals of abuse that joins showed."""

from collections.abc import Iterable

from services.team_formation.domain import AbuseAction, AbuseRule
from services.team_formation.metrics import SIGNS


def count_signs(rules: Iterable[AbuseRule]) -> None:
    """Count the rules that joins were beyond the limits of, once their answers are committed."""
    for rule in rules:
        SIGNS.labels(str(rule.signal), str(rule.action or AbuseAction.ALLOW)).inc()
