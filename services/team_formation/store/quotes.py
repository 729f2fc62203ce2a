"""Quotes that seats were taken with: kept in the seat's row, each once in a campaign."""

import json
from collections.abc import Sequence
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import uuids
from services.chassis.rows import Asked, ask
from services.team_formation.domain import OwnStep, Quote, Seat

_ONCE = "seats_quote_once"


async def find_used_quotes(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Sequence[UUID]]]
) -> Asked[UUID]:
    """Find which of these quotes a campaign has taken; wanted: campaign, quotes."""
    return await ask(
        connection,
        "SELECT k.quote_id FROM unnest(%s) AS k (quote_id) WHERE EXISTS (SELECT FROM seats AS s"
        " WHERE s.campaign_id = %s AND s.quote_id = k.quote_id)",
        [(uuids(quotes), campaign) for campaign, quotes in wanted],
        lambda row: row[0],
    )


def is_quote_race(error: psycopg.Error) -> bool:
    """Tell whether an error means that another transaction has taken a quote since it was looked for."""
    return isinstance(error, psycopg.errors.UniqueViolation) and error.diag.constraint_name == _ONCE


def quote_text(seat: Seat) -> str | None:
    """Write what a seat's quote promised."""
    quote = seat.quote
    if quote is None:
        return None
    steps = [[step.threshold, step.unit_price] for step in quote.steps]
    return json.dumps([quote.cap, quote.ladder_version, steps, seat.cap_from_quote])


def quote_of(quote_id: UUID | None, text: str | None) -> tuple[Quote | None, bool]:
    """Read what a seat's quote promised, and whether its cap is the quote's."""
    if quote_id is None or text is None:
        return None, False
    cap, ladder_version, steps, from_quote = json.loads(text)
    return Quote(quote_id, cap, ladder_version, tuple(OwnStep(*step) for step in steps)), from_quote
