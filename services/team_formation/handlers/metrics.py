"""The metrics of joins. No label names a platform."""

from collections.abc import Iterable

from prometheus_client import Counter

from services.team_formation.domain import AbuseAction, AbuseRule

SIGNS = Counter(
    "groupbuy_abuse_signals_total",
    "Joins that showed a signal of abuse, by what the campaign's rule says: allow, flag or refuse.",
    ["signal", "action"],
)


def count_signs(rules: Iterable[AbuseRule]) -> None:
    """Count the rules that joins were beyond the limits of, once their answers are committed."""
    for rule in rules:
        SIGNS.labels(str(rule.signal), str(rule.action or AbuseAction.ALLOW)).inc()
