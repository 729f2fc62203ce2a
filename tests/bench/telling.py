"""Events about a crowd's team, sent to notification as services send them: by an outbox, the relay and Kafka."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from google.protobuf.message import Message as Protobuf
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2 as pricing_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids, outbox
from services.chassis.messages import Message
from services.notification.domain import Seat
from services.team_formation import translate
from tests.bench.consuming import TEAMS
from tests.bench.crowd import Crowd
from tests.bench.installation import Installation
from tests.bench.notified import SETTLEMENTS

_PAGE = 5_000


async def publish(whole: Installation, events: Sequence[Message]) -> None:
    """Have team_formation's relay publish events, whoever's they are."""
    async with await psycopg.AsyncConnection.connect(whole.database) as connection:
        for start in range(0, len(events), _PAGE):
            await outbox.append(connection, events[start : start + _PAGE])
        await connection.execute("SELECT pg_notify(%s, '')", (outbox.WAKE_CHANNEL,))


def tipped(crowd: Crowd) -> list[Message]:
    """Make the event by which the team becomes certain, the next of its versions."""
    team, count, now = crowd.team, len(crowd.seats), datetime.now(UTC)
    event = events_pb2.TeamEvent(
        event_id=str(ids.new_id()),
        platform_id=ids.opaque("plat", team.platform_id),
        sequence=team.version + 1,
        campaign_id=ids.opaque(translate.CAMPAIGN, team.campaign_id),
        team_id=ids.opaque(translate.TEAM, team.campaign_id, team.team_id),
        totals=types_pb2.Totals(confirmed_members=count, confirmed_units=count),
        state=types_pb2.TEAM_STATE_TIPPED,
        team_tipped=events_pb2.TeamTipped(),
    )
    event.occurred_at.FromDatetime(now)
    return [_message(TEAMS, event, event.team_tipped, now)]


def formed(crowd: Crowd) -> list[Message]:
    """Make the events by which pricing tells what each member of the formed team pays, one for each seat."""
    now = datetime.now(UTC)
    events = [_line(crowd, number, seat) for number, seat in enumerate(crowd.seats, start=1)]
    for event in events:
        event.occurred_at.FromDatetime(now)
    return [_message(SETTLEMENTS, event, event.settlement_line_recorded, now) for event in events]


def _line(crowd: Crowd, number: int, seat: Seat) -> pricing_pb2.SettlementEvent:
    team, line_id = crowd.team, str(ids.new_id())
    return pricing_pb2.SettlementEvent(
        event_id=line_id,
        platform_id=ids.opaque("plat", team.platform_id),
        sequence=number,
        campaign_id=ids.opaque(translate.CAMPAIGN, team.campaign_id),
        team_id=ids.opaque(translate.TEAM, team.campaign_id, team.team_id),
        team_version=team.version,
        settlement_line_recorded=pricing_pb2.SettlementLineRecorded(
            line=pricing_pb2.SettlementLine(
                line_id=line_id,
                seat_id=ids.opaque(translate.SEAT, team.campaign_id, seat.seat_id),
                member_id=seat.member_id,
                cause=pricing_pb2.SETTLEMENT_CAUSE_TEAM_FORMED,
                sku=seat.sku,
                quantity=seat.quantity,
                unit_price=_euros(2490),
                to_keep=_euros(2490),
                to_refund=_euros(1000),
            )
        ),
    )


def _euros(minor_units: int) -> Money:
    return Money(minor_units=minor_units, currency="EUR")


def _message(
    topic: str, event: events_pb2.TeamEvent | pricing_pb2.SettlementEvent, fact: Protobuf, now: datetime
) -> Message:
    name, raw = fact.DESCRIPTOR.full_name, event.SerializeToString()
    return Message(topic, event.team_id, UUID(event.event_id), name, event.sequence, now, raw, "")
