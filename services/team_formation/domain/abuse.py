"""What a campaign may say about signs of abuse: signals, actions, rules and their checks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.team_formation.domain.checks import Problem
from services.team_formation.domain.values import Word

MOST_MEMBERS = 1_000
MOST_JOINS = 10_000
SHORTEST = timedelta(seconds=1)
TAGS_KEPT = timedelta(days=30)
LONGEST_RATE = timedelta(days=1)


class Signal(Word):
    """A sign of abuse that a join may show."""

    SEATS_PER_DEVICE = "SEATS_PER_DEVICE"
    SEATS_PER_ADDRESS = "SEATS_PER_ADDRESS"
    OWN_INVITE = "OWN_INVITE"
    JOINS_PER_INVITE = "JOINS_PER_INVITE"


class AbuseAction(Word):
    """What follows where a join shows a signal."""

    ALLOW = "ALLOW"
    FLAG = "FLAG"
    REFUSE = "REFUSE"


class TagKind(Word):
    """What a tag is of."""

    DEVICE = "DEVICE"
    ADDRESS = "ADDRESS"


SIGNAL_OF = {TagKind.DEVICE: Signal.SEATS_PER_DEVICE, TagKind.ADDRESS: Signal.SEATS_PER_ADDRESS}


@dataclass(frozen=True, slots=True)
class AbuseRule:
    """What is done about a signal beyond a limit; `within` is how far back it counts."""

    signal: Signal | None
    """None for what this release does not know."""
    action: AbuseAction | None
    limit: int = 0
    within: timedelta = timedelta()


def check_abuse_rules(rules: Sequence[AbuseRule]) -> list[Problem]:
    """Check what a campaign says about signs of abuse."""
    problems = [problem for n, rule in enumerate(rules) for problem in _check(f"abuse_rules[{n}]", rule)]
    counts = Counter(rule.signal for rule in rules if rule.signal)
    twice = [signal for signal, count in counts.items() if count > 1]
    return problems + [Problem("abuse_rules", f"there are two rules for {signal}; keep one") for signal in twice]


def _check(field: str, rule: AbuseRule) -> list[Problem]:
    problems = []
    if rule.action is None:
        problems.append(Problem(f"{field}.action", "must be ALLOW, FLAG or REFUSE, or not said for ALLOW"))
    match rule.signal:
        case None:
            names = ", ".join(Signal)
            problems.append(Problem(f"{field}.signal", f"must say which signal: one of {names}"))
        case Signal.OWN_INVITE:
            if rule.limit:
                problems.append(Problem(f"{field}.limit", "must be 0: an own invite has no limit"))
            if rule.within:
                problems.append(Problem(f"{field}.within", "must be left out: an own invite has no time"))
        case Signal.JOINS_PER_INVITE:
            problems += _check_bounds(field, rule, MOST_JOINS, LONGEST_RATE, "1 second to 1 day")
        case _:
            most = "1 second to 30 days; leave it out for 30 days"
            problems += _check_bounds(field, rule, MOST_MEMBERS, TAGS_KEPT, most)
    return problems


def _check_bounds(field: str, rule: AbuseRule, most: int, longest: timedelta, span: str) -> list[Problem]:
    problems = []
    if not 1 <= rule.limit <= most:
        problems.append(Problem(f"{field}.limit", f"must be 1 to {most}"))
    if not SHORTEST <= rule.within <= longest:
        problems.append(Problem(f"{field}.within", f"must be {span}"))
    return problems
