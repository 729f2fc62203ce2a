"""Rules against abuse between protobuf and the values of the domain."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from groupbuy.team_formation.v1 import abuse_pb2

from services.team_formation import domain
from services.team_formation.translate.basics import duration

SIGNALS = {item: abuse_pb2.AbuseSignal.Value(f"ABUSE_SIGNAL_{item}") for item in domain.Signal}
_READ_SIGNALS = {code: item for item, code in SIGNALS.items()}
_ACTIONS = {item: abuse_pb2.AbuseAction.Value(f"ABUSE_ACTION_{item}") for item in domain.AbuseAction}
_READ_ACTIONS = {
    abuse_pb2.ABUSE_ACTION_UNSPECIFIED: domain.AbuseAction.ALLOW,
    **{code: item for item, code in _ACTIONS.items()},
}
_TAGS = frozenset(domain.SIGNAL_OF.values())
_NEVER = timedelta(seconds=-1)


def abuse_rule(rule: domain.AbuseRule) -> abuse_pb2.AbuseRule:
    """Write a rule."""
    return abuse_pb2.AbuseRule(
        signal=SIGNALS[rule.signal] if rule.signal else abuse_pb2.ABUSE_SIGNAL_UNSPECIFIED,
        action=_ACTIONS[rule.action] if rule.action else abuse_pb2.ABUSE_ACTION_UNSPECIFIED,
        limit=rule.limit,
        within=duration(rule.within) if rule.within else None,
    )


def read_abuse_rule(message: abuse_pb2.AbuseRule) -> domain.AbuseRule:
    """Read a rule; what is not known has no signal or action, a time that cannot be is one that no check accepts."""
    signal = _READ_SIGNALS.get(message.signal)
    usual = domain.TAGS_KEPT if signal in _TAGS else timedelta()
    within = _span(message.within) if message.HasField("within") else usual
    return domain.AbuseRule(signal, _READ_ACTIONS.get(message.action), message.limit, within)


def _span(message: Duration) -> timedelta:
    try:
        return message.ToTimedelta() or _NEVER
    except (OverflowError, ValueError):
        return _NEVER
