"""The rule of isolation and its exceptions, held against what was collected."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.support.isolation.collecting import Statement
from tests.support.isolation.exceptions import FUNCTIONS, TABLES_OF_NO_PLATFORM, UNREAD, Allowed
from tests.support.isolation.proving import Prover
from tests.support.isolation.sources import Level


@dataclass
class Verdict:
    """What was found: statements by level, what breaks the rule, and which exceptions were needed."""

    counts: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    """Exceptions: functions, functions with a table, and tables."""


def judge(
    statements: Iterable[Statement],
    provers: Mapping[str, Prover],
    functions: Mapping[str, Allowed] = FUNCTIONS,
) -> Verdict:
    """Prove every statement; the chassis' own over the tables of each service, as each runs it."""
    verdict = Verdict()
    for statement in statements:
        services = [statement.service] if statement.service in provers else list(provers)
        lowest = min(_judge_one(statement, provers[service], functions, verdict) for service in services)
        verdict.counts[lowest.name] += 1
    return verdict


def _judge_one(statement: Statement, prover: Prover, functions: Mapping[str, Allowed], verdict: Verdict) -> Level:
    lowest = Level.GIVEN
    for access in prover.accesses(statement.text):
        if access.table in TABLES_OF_NO_PLATFORM:
            verdict.used.add(access.table)
            continue
        lowest = min(lowest, access.level)
        if access.level is not Level.NOTHING:
            continue
        allowed = functions.get(statement.function)
        if allowed and access.table in allowed.tables:
            verdict.used |= {statement.function, f"{statement.function} {access.table}"}
        else:
            verdict.breaches.append(
                f"services/{statement.function.replace('.', '/').replace(':', '.py: ')} (line {statement.line}):"
                f" nothing restricts {access.table} to one platform in: {statement.text}"
            )
    return lowest


def stale(verdict: Verdict, unread: Iterable[str]) -> list[str]:
    """Give the exceptions that nothing needs any more."""
    named = [f"{function} {table}" for function, allowed in FUNCTIONS.items() for table in allowed.tables]
    return [
        *(name for name in [*FUNCTIONS, *named, *TABLES_OF_NO_PLATFORM] if name not in verdict.used),
        *sorted(set(UNREAD) - set(unread)),
    ]
