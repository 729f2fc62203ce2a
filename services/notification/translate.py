"""Protobuf to domain values and back: the only file, with rpc.py, that knows the wire."""

from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.notification.v1 import events_pb2 as own_pb2
from groupbuy.notification.v1 import notification_service_pb2 as service_pb2
from groupbuy.pricing.v1 import events_pb2 as pricing_pb2
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import events_pb2 as teams_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.chassis.messages import Message as Told
from services.chassis.messages import message
from services.notification.domain import (
    CountedIn,
    End,
    Facts,
    Kind,
    Member,
    Move,
    Opened,
    PaymentMode,
    Point,
    PriceFact,
    Role,
    Seat,
    SeatMoved,
    SeatState,
    Settled,
    State,
    TeamFact,
    TeamState,
    Text,
    TurnedTo,
)
from services.notification.store import AttemptRow, Claimed, DeliveryRow, NewDelivery

DELIVERY_TOPIC = "groupbuy.delivery.v1"

_SETTLED = {
    pricing_pb2.SETTLEMENT_CAUSE_TEAM_FORMED: Kind.FORMED,
    pricing_pb2.SETTLEMENT_CAUSE_TEAM_FAILED: Kind.FAILED,
    pricing_pb2.SETTLEMENT_CAUSE_SEAT_LEFT: Kind.LEFT,
    pricing_pb2.SETTLEMENT_CAUSE_LATE_PAYMENT: Kind.LATE_PAYMENT,
}

Word = TypeVar("Word", TeamState, SeatState, PaymentMode, Role)


class Unreadable(Exception):
    """An event that says something no release of ours has said."""


def team_key(
    envelope: teams_pb2.TeamEvent | pricing_pb2.PriceEvent | pricing_pb2.SettlementEvent,
) -> tuple[UUID, UUID, UUID]:
    """Read platform, campaign and team of an event."""
    platform = _ids("plat", envelope.platform_id, 1)[0]
    campaign, team = _ids("team", envelope.team_id, 2)
    return platform, campaign, team


def team_fact(envelope: teams_pb2.TeamEvent) -> TeamFact:
    """Read a team's event; Unreadable."""
    platform_id, campaign_id, team_id = team_key(envelope)
    return TeamFact(
        event_id=UUID(envelope.event_id),
        platform_id=platform_id,
        campaign_id=campaign_id,
        team_id=team_id,
        version=envelope.sequence,
        state=_word(TeamState, types_pb2.TeamState.Name(envelope.state), "TEAM_STATE_"),
        confirmed_members=envelope.totals.confirmed_members,
        confirmed_units=envelope.totals.confirmed_units,
        change=_change(envelope),
    )


def _change(envelope: teams_pb2.TeamEvent) -> Opened | SeatMoved | TurnedTo | None:
    match envelope.WhichOneof("fact"):
        case "team_opened":
            return _opened(envelope.team_opened)
        case "seat_held" | "seat_confirmed" as name:
            return SeatMoved(_seat(getattr(envelope, name).seat))
        case "seat_released":
            released = envelope.seat_released
            return SeatMoved(_seat(released.seat), released.previous_state == types_pb2.SEAT_STATE_CONFIRMED)
        case "team_tipped" | "team_untipped" as name:
            return TurnedTo(TeamState.TIPPED if name == "team_tipped" else TeamState.FORMING)
        case _:
            return None


def _opened(fact: teams_pb2.TeamOpened) -> Opened:
    rules, shown = fact.rules, fact.presentation
    if not shown.texts:
        raise Unreadable("the team has no text in any language")
    return Opened(
        texts=tuple(Text(item.language, item.title) for item in shown.texts),
        seller=shown.seller,
        checkout_url=shown.checkout_url,
        time_zone=shown.time_zone,
        payment_mode=_word(PaymentMode, types_pb2.PaymentMode.Name(rules.payment_mode), "PAYMENT_MODE_"),
        counted_in=CountedIn.UNITS if rules.counted_in == types_pb2.COUNTED_IN_UNITS else CountedIn.MEMBERS,
        minimum=rules.minimum,
        currency=fact.price_table.currency,
        ends_at=_time(fact.ends_at),
    )


def _seat(seat: types_pb2.Seat) -> Seat:
    return Seat(
        seat_id=_ids("seat", seat.seat_id, 2)[1],
        member_id=seat.member_id,
        sku=seat.sku,
        quantity=seat.quantity,
        role=_role(seat.role),
        cap=seat.cap.minor_units,
        state=_word(SeatState, types_pb2.SeatState.Name(seat.state), "SEAT_STATE_"),
        hold_until=_time(seat.hold_until),
    )


def price_fact(envelope: pricing_pb2.PriceEvent) -> PriceFact:
    """Read a price event; Unreadable."""
    near = envelope.WhichOneof("fact") == "next_tier_came_near"
    moves = envelope.next_tier_came_near.moves if near else envelope.price_changed.moves
    return PriceFact(
        moves=tuple(
            Move(item.sku, _role(item.role), item.old_unit_price, item.new_unit_price, item.next_unit_price)
            for item in moves
        ),
        missing=1 if near else envelope.price_changed.missing_to_next,
        near=near,
    )


def settled(line: pricing_pb2.SettlementLine) -> tuple[Kind, UUID, Facts]:
    """Read a settlement line: the kind of its message, the seat and the facts; Unreadable."""
    kind = _SETTLED.get(line.cause)
    if kind is None:
        raise Unreadable(f"a settlement cause this release does not know: {line.cause}")
    facts = Settled(
        quantity=line.quantity,
        unit_price=line.unit_price.minor_units,
        due=line.due.minor_units,
        captured=line.to_capture.minor_units,
        kept=line.to_keep.minor_units,
        voided=line.to_void.minor_units,
        refunded=line.to_refund.minor_units,
    )
    return kind, _ids("seat", line.seat_id, 2)[1], facts


def _role(role: ladder_pb2.Role.ValueType) -> Role:
    return _word(Role, ladder_pb2.Role.Name(role), "ROLE_")


def _word(words: type[Word], name: str, prefix: str) -> Word:
    try:
        return words(name.removeprefix(prefix))
    except ValueError:
        raise Unreadable(f"{name} is not expected here") from None


def _ids(prefix: str, text: str, count: int) -> tuple[UUID, ...]:
    found = ids.parse(prefix, text, count)
    if found is None:
        raise Unreadable(f"{text[:80]!r} is no id of the form {prefix}_...")
    return found


def _time(at: Timestamp) -> datetime:
    return at.ToDatetime(tzinfo=UTC)


def _stamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def delivery_ended(item: NewDelivery | Claimed, how: End, channel: str, attempts: int, now: datetime) -> Told:
    """Make the event of a delivery that ended; it has one, so its number is 1."""
    envelope = own_pb2.DeliveryEvent(
        event_id=str(ids.derived_id(item.delivery_id, "ended")),
        platform_id=ids.opaque("plat", item.platform_id),
        sequence=1,
        occurred_at=_stamp(now),
        delivery_id=str(item.delivery_id),
        delivery_ended=own_pb2.DeliveryEnded(
            kind=_kind(item.kind),
            member_id=item.member_id,
            team_id=ids.opaque("team", item.campaign_id, item.team_id),
            state=_state(how.state),
            channel=channel,
            attempts=attempts,
            reason=how.reason,
            cause_event_id=str(item.cause_event_id),
        ),
    )
    return message(DELIVERY_TOPIC, str(item.delivery_id), envelope)


def _kind(kind: Kind) -> own_pb2.MessageKind.ValueType:
    return own_pb2.MessageKind.Value(f"MESSAGE_KIND_{kind}")


def _state(state: State) -> own_pb2.DeliveryState.ValueType:
    return own_pb2.DeliveryState.Value(f"DELIVERY_STATE_{state}")


def member_of(wire: service_pb2.Member) -> Member:
    """Read a member."""
    points = tuple(Point(item.channel, item.address) for item in wire.contact_points)
    return Member(wire.member_id, wire.language, wire.time_zone, points)


def wire_member(member: Member) -> service_pb2.Member:
    """Write a member."""
    return service_pb2.Member(
        member_id=member.member_id,
        language=member.language,
        time_zone=member.time_zone,
        contact_points=[service_pb2.ContactPoint(channel=item.channel, address=item.address) for item in member.points],
    )


def wire_delivery(row: DeliveryRow, attempts: list[AttemptRow]) -> service_pb2.Delivery:
    """Write a delivery with its attempts."""
    return service_pb2.Delivery(
        delivery_id=str(row.delivery_id),
        kind=_kind(row.kind),
        member_id=row.member_id,
        team_id=ids.opaque("team", row.campaign_id, row.team_id),
        cause_event_id=str(row.cause_event_id),
        state=_state(row.state),
        created_at=_stamp(row.created_at),
        ended_at=_stamp(row.ended_at) if row.ended_at else None,
        subject=row.subject,
        body=row.body,
        attempts=[
            service_pb2.Attempt(
                number=item.number,
                channel=item.channel,
                attempted_at=_stamp(item.attempted_at),
                outcome=item.outcome,
                provider_id=item.provider_id,
                detail=item.detail,
            )
            for item in attempts
        ],
        reason=row.reason,
    )
