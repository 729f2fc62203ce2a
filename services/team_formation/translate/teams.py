"""Teams and seats on the wire."""

from functools import lru_cache
from typing import Any

from google.protobuf.json_format import MessageToDict
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.team_formation import domain
from services.team_formation.translate.abuse import SIGNALS
from services.team_formation.translate.basics import campaign_id, invite_id, money, seat_id, team_id, time
from services.team_formation.translate.terms import ROLES

SEAT_STATES = {state: types_pb2.SeatState.Value(f"SEAT_STATE_{state}") for state in domain.SeatState}
TEAM_STATES = {state: types_pb2.TeamState.Value(f"TEAM_STATE_{state}") for state in domain.TeamState}
COUNTED_IN = {unit: types_pb2.CountedIn.Value(f"COUNTED_IN_{unit}") for unit in domain.CountedIn}
VISIBILITIES = {item: types_pb2.Visibility.Value(f"VISIBILITY_{item}") for item in domain.Visibility}
_REASONS: dict[domain.ReleaseReason | None, types_pb2.ReleaseReason.ValueType] = {
    None: types_pb2.RELEASE_REASON_UNSPECIFIED,
    **{item: types_pb2.ReleaseReason.Value(f"RELEASE_REASON_{item}") for item in domain.ReleaseReason},
}


def totals(values: domain.Totals) -> types_pb2.Totals:
    """Write totals."""
    return types_pb2.Totals(
        confirmed_members=values.confirmed_members,
        confirmed_units=values.confirmed_units,
        held_members=values.held_members,
        held_units=values.held_units,
        waiting_members=values.waiting_members,
        waiting_units=values.waiting_units,
        sponsored_members=values.sponsored_members,
        sponsored_units=values.sponsored_units,
    )


def seat(values: domain.Seat, currency: str) -> types_pb2.Seat:
    """Write a seat."""
    return seat_of_team(values, team_id(values.campaign_id, values.team_id), currency)


def seat_record(values: domain.Seat, currency: str) -> dict[str, Any]:
    """Write a seat as whoever it is of may have it: the fields of the API, by name."""
    record: dict[str, Any] = MessageToDict(seat(values, currency), preserving_proto_field_name=True)
    return record


def seat_of_team(values: domain.Seat, team_text: str, currency: str) -> types_pb2.Seat:
    """Write a seat of a team whose id is written already; one that waits has no cap and no end of its hold yet."""
    waits = values.state is domain.SeatState.WAITING
    campaign = values.campaign_id
    return types_pb2.Seat(
        seat_id=seat_id(campaign, values.seat_id),
        team_id=team_text,
        member_id=values.member_id,
        sku=values.sku,
        quantity=values.quantity,
        role=ROLES[values.role],
        state=SEAT_STATES[values.state],
        cap=None if waits else money(values.cap, currency),
        hold_until=None if waits else time(values.hold_until),
        invite_id=invite_id(campaign, values.invite_id) if values.invite_id else "",
        external_ref=values.external_ref,
        release_reason=_REASONS[values.release_reason],
        cap_fill=values.cap_fill,
        sponsored=values.sponsored,
        held_at=time(values.held_at),
        confirmed_at=time(values.confirmed_at) if values.confirmed_at else None,
        released_at=time(values.released_at) if values.released_at else None,
        hold_extended=values.hold_extended,
        updated_at=time(values.updated_at),
        cap_tally_seq=values.cap_tally_seq,
        own_steps=[_own_step(step) for step in values.quote.steps] if values.quote else (),
        quote_id=str(values.quote.quote_id) if values.quote else "",
        cap_from_quote=values.cap_from_quote,
        promoter_id=values.promoter_id,
        commission_basis_points=values.commission_basis_points,
        flags=[SIGNALS[signal] for signal in values.flags],
    )


def _own_step(step: domain.OwnStep) -> ladder_pb2.OwnStep:
    return ladder_pb2.OwnStep(threshold=step.threshold, unit_price=step.unit_price)


def team(values: domain.Team, terms: domain.Terms) -> types_pb2.Team:
    """Write a team with its prices now, read from its own price table."""
    rules, leader, overflow = terms.rules, values.leader_seat_id, values.overflow_team_id
    holds = values.state.is_open and values.totals.held_members and values.due_at < values.ends_at
    return types_pb2.Team(
        team_id=team_id(values.campaign_id, values.team_id),
        campaign_id=campaign_id(values.campaign_id),
        state=TEAM_STATES[values.state],
        version=values.version,
        totals=totals(values.totals),
        minimum=rules.minimum,
        maximum=rules.maximum,
        counted_in=COUNTED_IN[rules.counted_in],
        opened_at=time(values.opened_at),
        ends_at=time(values.ends_at),
        ended_at=time(values.ended_at) if values.ended_at else None,
        prices=prices(values, terms),
        external_ref=values.external_ref,
        leader_seat_id=seat_id(values.campaign_id, leader) if leader else "",
        room=max(rules.maximum - values.totals.taken(rules.counted_in), 0),
        next_free_at=time(values.due_at) if holds else None,
        visibility=VISIBILITIES[rules.visibility],
        match_key=values.match_key,
        overflow_team_id=team_id(values.campaign_id, overflow) if overflow else "",
    )


def prices(values: domain.Team, terms: domain.Terms) -> list[types_pb2.PriceNow]:
    """Write the price of every item and role as it is for a team now, or was when it formed."""
    return prices_at(terms.price_table, values.price_fill(terms.price_table.basis))


@lru_cache(maxsize=4096)
def prices_at(table: domain.PriceTable, fill: int) -> list[types_pb2.PriceNow]:
    """Write the price of every item and role at a fill; the messages are shared, and never changed."""
    written = []
    for row in table.rows:
        following = row.after(fill)
        written.append(
            types_pb2.PriceNow(
                sku=row.sku,
                role=ROLES[row.role],
                unit_price=money(row.at(fill).unit_price, table.currency),
                next_unit_price=money(following.unit_price, table.currency) if following else None,
                missing_to_next=following.threshold - fill if following else 0,
            )
        )
    return written
