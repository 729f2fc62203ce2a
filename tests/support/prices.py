"""Tells what pricing would tell of a team that `tests/support/teams.py` plays: prices and settlement lines."""

from itertools import count

from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import events_pb2

from services.chassis import ids
from services.chassis.messages import Record, headers, message
from tests.support.teams import TeamLife

PRICES = "groupbuy.price.v1"
SETTLEMENTS = "groupbuy.settlement.v1"
FORMED = events_pb2.SETTLEMENT_CAUSE_TEAM_FORMED
FAILED = events_pb2.SETTLEMENT_CAUSE_TEAM_FAILED
LEFT = events_pb2.SETTLEMENT_CAUSE_SEAT_LEFT
LATE = events_pb2.SETTLEMENT_CAUSE_LATE_PAYMENT
REDUCED = events_pb2.SETTLEMENT_CAUSE_SEAT_REDUCED
WITHDRAWN = events_pb2.SETTLEMENT_CAUSE_SEAT_WITHDRAWN
DEFAULTED = events_pb2.SETTLEMENT_CAUSE_SEAT_DEFAULTED
CANCELLED = events_pb2.SETTLEMENT_CAUSE_TEAM_CANCELLED

_offsets = count()


class Pricing:
    """Pricing's events of one team, numbered as they are told; each is of the team's last event."""

    def __init__(self, life: TeamLife) -> None:
        self._life = life
        self._prices = 0
        self._lines = 0

    def changed(self, old_fill: int, fill: int, *, next_fill: int = 0, missing: int = 0) -> Record:
        """Tell that the price moved from that at one fill to that at another; `next_fill` 0 is the last tier."""
        life = self._life
        fact = events_pb2.PriceChanged(
            currency=life.currency,
            moves=self._moves(old_fill, fill, next_fill or fill),
            old_fill=old_fill,
            fill=fill,
            missing_to_next=missing,
            cause_event_id=life.events[-1].event_id,
            explanation="the fill changed",
        )
        return self._price(events_pb2.PriceEvent(price_changed=fact))

    def near(self, fill: int, next_fill: int) -> Record:
        """Tell that one more reaches the tier of `next_fill`."""
        fact = events_pb2.NextTierCameNear(
            currency=self._life.currency,
            fill=fill,
            next_threshold=next_fill,
            moves=self._moves(fill, fill, next_fill),
            cause_event_id=self._life.events[-1].event_id,
        )
        return self._price(events_pb2.PriceEvent(next_tier_came_near=fact))

    def line(self, member: str, cause: events_pb2.SettlementCause.ValueType, **amounts: int) -> Record:
        """Tell a settlement line of a member's seat; amounts by the names of the line's fields, minor units."""
        life = self._life
        seat = life.seat(member)
        self._lines += 1
        line = events_pb2.SettlementLine(
            line_id=str(ids.derived_id(life.team, seat.seat_id, cause)),
            seat_id=seat.seat_id,
            member_id=member,
            merchant_id="orchard",
            cause=cause,
            cause_event_id=life.events[-1].event_id,
            sku=seat.sku,
            quantity=seat.quantity,
            cap=seat.cap,
        )
        for name, minor_units in amounts.items():
            getattr(line, name).CopyFrom(Money(minor_units=minor_units, currency=life.currency))
        event = events_pb2.SettlementEvent(
            event_id=line.line_id,
            platform_id=life.platform_id,
            sequence=self._lines,
            occurred_at=_now(life),
            campaign_id=life.campaign_id,
            team_id=life.team_id,
            team_version=life.version,
        )
        event.settlement_line_recorded.line.CopyFrom(line)
        return _record(SETTLEMENTS, event)

    def _moves(self, old_fill: int, fill: int, next_fill: int) -> list[events_pb2.PriceMove]:
        return [
            events_pb2.PriceMove(
                sku=row.sku,
                role=row.role,
                old_unit_price=self._life.price(old_fill, row.sku, row.role),
                new_unit_price=self._life.price(fill, row.sku, row.role),
                next_unit_price=self._life.price(next_fill, row.sku, row.role),
            )
            for row in self._life.table.rows
        ]

    def _price(self, event: events_pb2.PriceEvent) -> Record:
        life = self._life
        self._prices += 1
        event.event_id = str(ids.derived_id(life.team, "price", self._prices))
        event.platform_id = life.platform_id
        event.sequence = self._prices
        event.occurred_at.CopyFrom(_now(life))
        event.campaign_id = life.campaign_id
        event.team_id = life.team_id
        event.team_version = life.version
        return _record(PRICES, event)


def campaign_changed(
    life: TeamLife, seq: int, old_fill: int, fill: int, *, next_fill: int = 0, missing: int = 0
) -> Record:
    """Tell, as its price event of the tally's number, that a tally moved the price of a life's whole campaign."""
    fact = events_pb2.CampaignPriceChanged(
        ladder_version=life.table.ladder_version,
        currency=life.currency,
        moves=_campaign_moves(life, old_fill, fill, next_fill or fill),
        old_fill=old_fill,
        fill=fill,
        missing_to_next=missing,
        cause_event_id=str(ids.derived_id(life.campaign, seq)),
        explanation="the campaign was counted",
    )
    return _of_campaign(life, seq, seq, events_pb2.PriceEvent(campaign_price_changed=fact))


def campaign_near(life: TeamLife, seq: int, fill: int, next_fill: int, *, sequence: int = 0) -> Record:
    """Tell, as its price event of the tally's number or another, that one unit is missing in a life's campaign."""
    fact = events_pb2.CampaignNextTierCameNear(
        ladder_version=life.table.ladder_version,
        currency=life.currency,
        fill=fill,
        next_threshold=next_fill,
        moves=_campaign_moves(life, fill, fill, next_fill),
        cause_event_id=str(ids.derived_id(life.campaign, seq)),
    )
    return _of_campaign(life, seq, sequence or seq, events_pb2.PriceEvent(campaign_next_tier_came_near=fact))


def _campaign_moves(life: TeamLife, old_fill: int, fill: int, next_fill: int) -> list[events_pb2.PriceMove]:
    return [
        events_pb2.PriceMove(
            sku=row.sku,
            role=row.role,
            old_unit_price=life.price(old_fill, row.sku, row.role),
            new_unit_price=life.price(fill, row.sku, row.role),
            next_unit_price=life.price(next_fill, row.sku, row.role),
        )
        for row in life.table.rows
    ]


def _of_campaign(life: TeamLife, seq: int, sequence: int, event: events_pb2.PriceEvent) -> Record:
    event.event_id = str(ids.derived_id(life.campaign, "price", sequence))
    event.platform_id = life.platform_id
    event.sequence = sequence
    event.occurred_at.CopyFrom(_now(life))
    event.campaign_id = life.campaign_id
    event.tally_seq = seq
    return _record(PRICES, event)


def _record(topic: str, event: events_pb2.PriceEvent | events_pb2.SettlementEvent) -> Record:
    told = message(topic, event.team_id or event.campaign_id, event)
    return Record(topic, told.key, told.payload, tuple(headers(told)), partition=0, offset=next(_offsets))


def _now(life: TeamLife) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(life.now)
    return stamp
