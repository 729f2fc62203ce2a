"""Writes deliveries and members as protobuf, and reads members."""

from datetime import UTC, datetime, time
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.notification.v1 import events_pb2 as own_pb2
from groupbuy.notification.v1 import notification_service_pb2 as service_pb2
from groupbuy.notification.v1 import platform_webhooks_pb2 as webhooks_pb2
from groupbuy.notification.v1 import templates_pb2

from services.chassis import ids, trace
from services.chassis.messages import Message as Told
from services.chassis.messages import message
from services.notification.domain import Consent, End, Kind, Member, Point, QuietHours, State, Wishes
from services.notification.store import AttemptRow, Claimed, DeliveryRow, EndpointRow, NewDelivery

NOBODYS = UUID(int=0)
"""Stands for team and seat of a message that is about none."""
DELIVERY_TOPIC = "groupbuy.delivery.v1"


def team_of(campaign_id: UUID, team_id: UUID) -> str:
    """Write a team's id; empty for a message that is about no team."""
    return ids.opaque("team", campaign_id, team_id) if team_id != NOBODYS else ""


def delivery_ended(item: NewDelivery | Claimed, how: End, channel: str, attempts: int, now: datetime) -> Told:
    """Make the event of a delivery that ended: the first, or another where it was tried again after it had."""
    before = item.ends_before if isinstance(item, Claimed) else 0
    event_id = (
        ids.derived_id(item.delivery_id, "ended", before) if before else ids.derived_id(item.delivery_id, "ended")
    )
    envelope = own_pb2.DeliveryEvent(
        event_id=str(event_id),
        platform_id=ids.opaque("plat", item.platform_id),
        sequence=before + 1,
        occurred_at=_stamp(now),
        delivery_id=str(item.delivery_id),
        delivery_ended=own_pb2.DeliveryEnded(
            kind=_kind(item.kind),
            member_id=item.member_id,
            team_id=team_of(item.campaign_id, item.team_id),
            state=_state(how.state),
            channel=channel,
            attempts=attempts,
            reason=how.reason,
            cause_event_id=str(item.cause_event_id),
        ),
    )
    with trace.within(item.traceparent):
        return message(DELIVERY_TOPIC, str(item.delivery_id), envelope)


def endpoint_disabled(row: EndpointRow, why: str, count: int, now: datetime) -> Told:
    """Make the event of an endpoint that was disabled for the `count`-th time."""
    endpoint_id = ids.opaque("hook", row.endpoint_id)
    envelope = own_pb2.DeliveryEvent(
        event_id=str(ids.derived_id(row.endpoint_id, "disabled", count)),
        platform_id=ids.opaque("plat", row.platform_id),
        sequence=count,
        occurred_at=_stamp(now),
        webhook_endpoint_disabled=own_pb2.WebhookEndpointDisabled(endpoint_id=endpoint_id, reason=why),
    )
    return message(DELIVERY_TOPIC, endpoint_id, envelope)


def wire_endpoint(row: EndpointRow, waiting: int) -> webhooks_pb2.WebhookEndpoint:
    """Write an endpoint, without its secrets, and how many events wait for it."""
    wire = webhooks_pb2.WebhookEndpoint(
        endpoint_id=ids.opaque("hook", row.endpoint_id),
        url=row.url,
        description=row.description,
        types=row.patterns,
        in_order=row.in_order,
        disabled=row.disabled_at is not None,
        disabled_why=row.disabled_why,
        waiting=waiting,
    )
    for field, value in (
        (wire.disabled_at, row.disabled_at),
        (wire.updated_at, row.updated_at),
        (wire.last_success_at, row.last_success_at),
        (wire.old_secret_until, row.old_until),
    ):
        if value:
            field.FromDatetime(value)
    return wire


def _kind(kind: Kind) -> own_pb2.MessageKind.ValueType:
    return own_pb2.MessageKind.Value(f"MESSAGE_KIND_{kind}")


def _state(state: State) -> own_pb2.DeliveryState.ValueType:
    return own_pb2.DeliveryState.Value(f"DELIVERY_STATE_{state}")


def member_of(wire: service_pb2.Member) -> Member:
    """Read a member."""
    points = tuple(Point(item.channel, item.address, consent=_consent_of(item)) for item in wire.contact_points)
    muted = frozenset(kind for kind in map(kind_of, wire.muted) if kind)
    quiet = quiet_of(wire) if wire.HasField("quiet_hours") else None
    wishes = Wishes(quiet, muted, wire.muted_all, wire.promotions)
    return Member(wire.member_id, wire.language, wire.time_zone, points, wishes, tuple(wire.tags))


def _consent_of(point: service_pb2.ContactPoint) -> Consent | None:
    if not point.HasField("consent"):
        return None
    return Consent(point.consent.source, point.consent.at.ToDatetime(tzinfo=UTC))


def quiet_of(wire: service_pb2.Member) -> QuietHours:
    """Read a member's quiet hours, whose times are checked."""
    hours = wire.quiet_hours
    return QuietHours(time.fromisoformat(hours.starts), time.fromisoformat(hours.ends), wire.time_zone)


def kind_number(kind: Kind) -> own_pb2.MessageKind.ValueType:
    """Write a kind of message."""
    return _kind(kind)


def kind_of(number: int) -> Kind | None:
    """Read a kind of message; None for a number that is none."""
    value = own_pb2.MessageKind.DESCRIPTOR.values_by_number.get(number)
    name = value.name.removeprefix("MESSAGE_KIND_") if value else ""
    return Kind(name) if name in Kind.__members__ else None


def wire_member(member: Member) -> service_pb2.Member:
    """Write a member."""
    wishes = member.wishes
    return service_pb2.Member(
        quiet_hours=_wire_quiet(wishes.quiet) if wishes.quiet else None,
        muted=sorted(map(_kind, wishes.muted)),
        muted_all=wishes.muted_all,
        promotions=wishes.promotions,
        tags=member.tags,
        unsubscribed_at=_stamp(wishes.unsubscribed_at) if wishes.unsubscribed_at else None,
        member_id=member.member_id,
        language=member.language,
        time_zone=member.time_zone,
        contact_points=[
            service_pb2.ContactPoint(
                channel=item.channel,
                address=item.address,
                gone=item.gone,
                consent=_wire_consent(item.consent) if item.consent else None,
            )
            for item in member.points
        ],
    )


def _wire_quiet(quiet: QuietHours) -> service_pb2.QuietHours:
    return service_pb2.QuietHours(starts=f"{quiet.starts:%H:%M}", ends=f"{quiet.ends:%H:%M}")


def _wire_consent(consent: Consent) -> service_pb2.Consent:
    return service_pb2.Consent(source=consent.source, at=_stamp(consent.at))


def wire_delivery(row: DeliveryRow, attempts: list[AttemptRow]) -> service_pb2.Delivery:
    """Write a delivery with its attempts."""
    return service_pb2.Delivery(
        delivery_id=str(row.delivery_id),
        kind=_kind(row.kind),
        member_id=row.member_id,
        team_id=team_of(row.campaign_id, row.team_id),
        seat_id=ids.opaque("seat", row.campaign_id, row.seat_id) if row.seat_id != NOBODYS else "",
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
        template=templates_pb2.TemplateUsed(
            channel=row.template_channel, language=row.language, version=row.template_version
        ),
        link=row.link,
        link_label=row.link_label,
    )


def _stamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
