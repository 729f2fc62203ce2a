"""What became of a merchant's teams, counted from stored facts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.pricing.domain import BeneficiaryKind, Cause

_TEAMS = (
    "WITH own AS MATERIALIZED (SELECT t.campaign_id, t.team_id, t.state, t.formed_version FROM teams AS t"
    " JOIN facts AS f ON f.campaign_id = t.campaign_id AND f.team_id = t.team_id AND f.version = 1"
    " WHERE t.platform_id = %s AND t.merchant_id = %s AND f.occurred_at >= %s AND f.occurred_at < %s)"
)


@dataclass(frozen=True, slots=True)
class MerchantRecord:
    """Teams opened in a time and what became of them; hours from cause to refund or void, 0 without any."""

    opened: int
    formed: int
    failed: int
    cancelled: int
    to_refund: int
    refunded: int
    median_hours: float
    p90_hours: float
    given_back: tuple[tuple[Cause, int, int], ...]
    """Cause, lines, units."""
    earned: tuple[tuple[BeneficiaryKind, str, int], ...]
    """What others earned: kind, currency, minor units; of a currency that was earned in, in the order of its code."""


async def read_merchant_record(
    connection: AsyncConnection[TupleRow], platform_id: UUID, merchant_id: str, since: datetime, until: datetime
) -> MerchantRecord:
    """Count the teams of a merchant that were opened in a time; `until` is not in it any more."""
    whose = (platform_id, merchant_id, since, until)
    cursor = await connection.execute(
        f"{_TEAMS} SELECT count(*), count(formed_version), count(*) FILTER (WHERE state = 'FAILED'),"  # noqa: S608 - a constant
        " count(*) FILTER (WHERE state = 'CANCELLED') FROM own",
        whose,
    )
    teams = await cursor.fetchone() or (0, 0, 0, 0)
    cursor = await connection.execute(
        f"{_TEAMS} SELECT count(*), count(r.hours),"  # noqa: S608 - a constant
        " coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY r.hours), 0)::float8,"
        " coalesce(percentile_cont(0.9) WITHIN GROUP (ORDER BY r.hours), 0)::float8"
        " FROM own JOIN settlement_lines AS l USING (campaign_id, team_id) LEFT JOIN line_states AS s"
        " ON s.campaign_id = l.campaign_id AND s.line_id = l.line_id LEFT JOIN LATERAL"
        " (SELECT extract(epoch FROM min(p.reported_at) - l.occurred_at)::float8 / 3600 AS hours FROM line_reports AS p"
        " WHERE p.campaign_id = l.campaign_id AND p.line_id = l.line_id AND p.kind IN ('REFUNDED', 'VOIDED')) AS r"
        # what is due no longer was paid where it is not done without a report, or was paid back
        " ON true WHERE l.to_void > 0 OR l.due < 0 AND (s.state <> 'DONE' OR r.hours IS NOT NULL)"
        # a difference that went with a payment that was none is done without a report
        " OR l.to_refund > 0 AND (s.state IS NULL OR s.state <> 'DONE' OR r.hours IS NOT NULL)",
        whose,
    )
    refunds = await cursor.fetchone() or (0, 0, 0.0, 0.0)
    cursor = await connection.execute(
        f"{_TEAMS} SELECT l.cause, count(*), sum(abs(l.quantity))::bigint FROM own"  # noqa: S608 - a constant
        " JOIN settlement_lines AS l USING (campaign_id, team_id)"
        " WHERE l.cause NOT IN ('TEAM_FORMED', 'TEAM_FAILED', 'LATE_PAYMENT') GROUP BY l.cause ORDER BY l.cause",
        whose,
    )
    given_back = tuple((Cause(cause), lines, units) for cause, lines, units in await cursor.fetchall())
    earned = await _earned(connection, whose)
    to_refund, refunded, median, p90 = refunds
    opened, formed, failed, cancelled = teams
    return MerchantRecord(opened, formed, failed, cancelled, to_refund, refunded, median, p90, given_back, earned)


async def _earned(
    connection: AsyncConnection[TupleRow], whose: tuple[UUID, str, datetime, datetime]
) -> tuple[tuple[BeneficiaryKind, str, int], ...]:
    cursor = await connection.execute(
        f"{_TEAMS} SELECT b.kind, b.currency, sum(b.amount)::bigint FROM own"  # noqa: S608 - a constant
        " JOIN beneficiary_lines AS b USING (campaign_id, team_id) GROUP BY b.kind, b.currency ORDER BY b.currency",
        whose,
    )
    return tuple((BeneficiaryKind(kind), currency, amount) for kind, currency, amount in await cursor.fetchall())
