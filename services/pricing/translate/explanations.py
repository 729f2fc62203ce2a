"""Writes why a seat or a team is priced as it is: all that is needed to compute the price again."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from groupbuy.pricing.v1 import explanations_pb2, pricing_service_pb2

from services.pricing import domain
from services.pricing.store import StoredFact
from services.pricing.translate.events import price_move
from services.pricing.translate.facts import full_name
from services.pricing.translate.languages import words_in
from services.pricing.translate.lines import line
from services.pricing.translate.tallies import tally_id
from services.pricing.translate.words import (
    BASES,
    ROLES,
    event_time,
    money,
    own_steps,
    price_row,
    price_step,
    seat_id,
    team_id,
)

_STANDINGS: dict[domain.SeatState, explanations_pb2.SeatStanding.ValueType] = {
    domain.SeatState.WAITING: explanations_pb2.SEAT_STANDING_WAITING,
    domain.SeatState.HELD: explanations_pb2.SEAT_STANDING_HELD,
    domain.SeatState.CONFIRMED: explanations_pb2.SEAT_STANDING_CONFIRMED,
    domain.SeatState.RELEASED: explanations_pb2.SEAT_STANDING_RELEASED,
    domain.SeatState.DEFAULTED: explanations_pb2.SEAT_STANDING_DEFAULTED,
}


def explanation(
    explained: domain.Explanation,
    table: domain.PriceTable,
    facts: Sequence[StoredFact],
    lines: Sequence[domain.SettlementLine],
    tallies: Iterable[domain.Tally] = (),
    *,
    lines_complete: bool = False,
    language: str = "",
) -> pricing_service_pb2.ExplainPriceResponse:
    """Write why a seat is priced as it is."""
    seat, currency, words = explained.seat, table.currency, words_in(language)
    has_cap = explained.cap is not None
    return pricing_service_pb2.ExplainPriceResponse(
        seat_id=seat_id(seat.campaign_id, seat.seat_id),
        team_id=team_id(seat.campaign_id, seat.team_id),
        team_version=explained.team_version,
        facts=[_fact(fact, seat.seat_id) for fact in facts],
        fill=explained.fill,
        fill_version=explained.fill_version,
        basis=BASES[explained.basis],
        row=price_row(explained.row),
        step=price_step(explained.step),
        exact=_exact(explained.priced),
        list_price=money(explained.list_price, currency),
        cap=None if explained.cap is None else money(explained.cap, currency),
        cap_fill=seat.cap_fill if has_cap else 0,
        cap_row=price_row(explained.cap_row) if explained.cap_row else None,
        unit_price=money(explained.unit_price, currency),
        quantity=seat.quantity,
        refused_units=explained.refused,
        amount=money(explained.amount, currency),
        currency=currency,
        role=ROLES[seat.role],
        standing=_STANDINGS[seat.state],
        sponsored=seat.sponsored,
        final=explained.final,
        sentence=words.of_seat(explained, currency),
        language=words.language,
        lines=map(line, lines),
        lines_complete=lines_complete,
        tally_seq=explained.tally_seq,
        cap_tally_seq=seat.cap_tally_seq if has_cap else 0,
        own_steps=own_steps(seat.own_steps),
        cap_from_quote=has_cap and seat.cap_from_quote,
        tallies=map(_tally, tallies),
    )


def team_explanation(
    explained: domain.TeamExplanation,
    table: domain.PriceTable,
    facts: Iterable[StoredFact],
    language: str,
    tallies: Iterable[domain.Tally] = (),
) -> pricing_service_pb2.ExplainPriceResponse:
    """Write why every item and role of a team is priced as it is."""
    words = words_in(language)
    return pricing_service_pb2.ExplainPriceResponse(
        team_id=team_id(explained.team.campaign_id, explained.team.team_id),
        team_version=explained.version,
        facts=map(_fact, facts),
        fill=explained.fill,
        fill_version=explained.fill_version,
        basis=BASES[table.basis],
        currency=table.currency,
        final=explained.final,
        sentence=words.of_team(explained, table),
        language=words.language,
        prices=[_priced(priced, table.currency) for priced in explained.prices],
        tally_seq=explained.tally_seq,
        tallies=map(_tally, tallies),
    )


def price_change(fact: StoredFact, old_fill: int, table: domain.PriceTable) -> explanations_pb2.TeamPriceChange:
    """Write how the price moved by a fact that crossed a threshold."""
    moves = table.moves(old_fill, fact.fill)
    return explanations_pb2.TeamPriceChange(
        team_version=fact.version,
        occurred_at=event_time(fact.at),
        cause_event_id=str(fact.event_id),
        cause=full_name(fact.kind),
        old_fill=old_fill,
        fill=fact.fill,
        tier=table.tier(fact.fill),
        moves=map(price_move, moves),
    )


def _priced(priced: domain.Priced, currency: str) -> explanations_pb2.ExplainedPrice:
    return explanations_pb2.ExplainedPrice(
        row=price_row(priced.row),
        step=price_step(priced.step),
        exact=_exact(priced),
        unit_price=money(priced.step.unit_price, currency),
    )


def _exact(priced: domain.Priced) -> explanations_pb2.ExactPrice:
    numerator, denominator = priced.exact
    return explanations_pb2.ExactPrice(
        numerator=numerator, denominator=denominator, rounding=explanations_pb2.ROUNDING_HALF_UP
    )


def _tally(tally: domain.Tally) -> explanations_pb2.ExplainedTally:
    return explanations_pb2.ExplainedTally(
        seq=tally.seq,
        event_id=str(tally_id(tally.campaign_id, tally.seq)),
        occurred_at=event_time(tally.at),
        units_of_fill=tally.fill,
    )


def _fact(fact: StoredFact, of_seat: UUID | None = None) -> pricing_service_pb2.ExplainedFact:
    return pricing_service_pb2.ExplainedFact(
        event_id=str(fact.event_id),
        fact=full_name(fact.kind),
        team_version=fact.version,
        occurred_at=event_time(fact.at),
        fill=fact.fill,
        units_back=fact.units_back,
        of_seat=of_seat is not None and fact.seat_id == of_seat,
    )
