"""Writes what pricing publishes: facts about prices and settlement lines."""

from groupbuy.pricing.v1 import events_pb2

from services.chassis import ids, messages
from services.chassis.messages import Message
from services.pricing import domain
from services.pricing.translate.lines import line
from services.pricing.translate.sentences import explain_move
from services.pricing.translate.words import CAMPAIGN, PLATFORM, ROLES, event_time, team_id

TEAM_TOPIC = "groupbuy.team.v1"
PRICE_TOPIC = "groupbuy.price.v1"
SETTLEMENT_TOPIC = "groupbuy.settlement.v1"


def price_message(fact: domain.PriceFact, cause: domain.TeamFact, table: domain.PriceTable) -> Message:
    """Make the message of a fact about prices, caused by a team's event."""
    event = events_pb2.PriceEvent(
        event_id=str(ids.derived_id(cause.event_id, type(fact).__name__)),
        platform_id=ids.opaque(PLATFORM, cause.platform_id),
        sequence=fact.sequence,
        occurred_at=event_time(cause.at),
        campaign_id=ids.opaque(CAMPAIGN, cause.campaign_id),
        team_id=team_id(cause.campaign_id, cause.team_id),
        team_version=cause.version,
    )
    if isinstance(fact, domain.PriceChanged):
        event.price_changed.CopyFrom(_changed(fact, cause, table))
    else:
        event.next_tier_came_near.CopyFrom(_near(fact, cause, table))
    return messages.message(PRICE_TOPIC, event.team_id, event)


def _changed(fact: domain.PriceChanged, cause: domain.TeamFact, table: domain.PriceTable) -> events_pb2.PriceChanged:
    return events_pb2.PriceChanged(
        currency=table.currency,
        moves=map(price_move, fact.moves),
        old_fill=fact.old_fill,
        fill=fact.fill,
        tier=fact.tier,
        missing_to_next=fact.missing_to_next,
        cause_event_id=str(cause.event_id),
        explanation=explain_move(fact, table),
    )


def _near(
    fact: domain.NextTierCameNear, cause: domain.TeamFact, table: domain.PriceTable
) -> events_pb2.NextTierCameNear:
    return events_pb2.NextTierCameNear(
        currency=table.currency,
        fill=fact.fill,
        next_threshold=fact.next_threshold,
        moves=map(price_move, fact.moves),
        cause_event_id=str(cause.event_id),
    )


def price_move(move: domain.PriceMove) -> events_pb2.PriceMove:
    """Write how the price of one item and role moved."""
    return events_pb2.PriceMove(
        sku=move.sku,
        role=ROLES[move.role],
        old_unit_price=move.old,
        new_unit_price=move.new,
        next_unit_price=move.next,
    )


def line_event(value: domain.SettlementLine) -> events_pb2.SettlementEvent:
    """Write the event that a settlement line was recorded."""
    return events_pb2.SettlementEvent(
        event_id=str(value.line_id),
        platform_id=ids.opaque(PLATFORM, value.platform_id),
        sequence=value.sequence,
        occurred_at=event_time(value.at),
        campaign_id=ids.opaque(CAMPAIGN, value.campaign_id),
        team_id=team_id(value.campaign_id, value.team_id),
        team_version=value.team_version,
        settlement_line_recorded=events_pb2.SettlementLineRecorded(line=line(value)),
    )
