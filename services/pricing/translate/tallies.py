"""Writes tallies: the fact that is published, and the answer."""

from datetime import UTC
from uuid import UUID

from groupbuy.pricing.v1 import events_pb2, pricing_service_pb2

from services.chassis import ids, messages
from services.chassis.errors import Poison
from services.chassis.messages import Event, Message
from services.pricing import domain
from services.pricing.translate.events import PRICE_TOPIC, price_move
from services.pricing.translate.sentences import explain_move
from services.pricing.translate.words import CAMPAIGN, PLATFORM, TEAM, event_time, team_id

TALLY_TOPIC = "groupbuy.tally.v1"


def tally_id(campaign_id: UUID, seq: int) -> UUID:
    """Give the id of a tally's event: it follows from the campaign and the tally's number."""
    return ids.derived_id(campaign_id, "tally", seq)


def tally_message(tally: domain.Tally) -> Message:
    """Make the message that a campaign was counted."""
    event = events_pb2.TallyEvent(
        event_id=str(tally_id(tally.campaign_id, tally.seq)),
        platform_id=ids.opaque(PLATFORM, tally.platform_id),
        sequence=tally.seq,
        occurred_at=event_time(tally.at),
        campaign_id=ids.opaque(CAMPAIGN, tally.campaign_id),
        campaign_tallied=events_pb2.CampaignTallied(
            totals=_totals(tally.counts), fixed_teams=[_fixed(tally.campaign_id, team) for team in tally.fixed]
        ),
    )
    return messages.message(TALLY_TOPIC, event.campaign_id, event)


def campaign_price_message(fact: domain.CampaignPriceFact, tally: domain.Tally, table: domain.PriceTable) -> Message:
    """Make the message of a fact about the prices of a whole campaign, caused by a tally."""
    cause = tally_id(tally.campaign_id, tally.seq)
    event = events_pb2.PriceEvent(
        event_id=str(ids.derived_id(cause, type(fact).__name__, fact.ladder_version)),
        platform_id=ids.opaque(PLATFORM, tally.platform_id),
        sequence=fact.sequence,
        occurred_at=event_time(tally.at),
        campaign_id=ids.opaque(CAMPAIGN, tally.campaign_id),
        tally_seq=tally.seq,
    )
    if isinstance(fact, domain.CampaignPriceChanged):
        event.campaign_price_changed.CopyFrom(_changed(fact, cause, table))
    else:
        event.campaign_next_tier_came_near.CopyFrom(_near(fact, cause, table))
    return messages.message(PRICE_TOPIC, event.campaign_id, event)


def _changed(
    fact: domain.CampaignPriceChanged, cause: UUID, table: domain.PriceTable
) -> events_pb2.CampaignPriceChanged:
    return events_pb2.CampaignPriceChanged(
        ladder_version=fact.ladder_version,
        currency=table.currency,
        moves=map(price_move, fact.moves),
        old_fill=fact.old_fill,
        fill=fact.fill,
        tier=fact.tier,
        missing_to_next=fact.missing_to_next,
        cause_event_id=str(cause),
        explanation=explain_move(fact, table),
    )


def _near(
    fact: domain.CampaignNextTierCameNear, cause: UUID, table: domain.PriceTable
) -> events_pb2.CampaignNextTierCameNear:
    return events_pb2.CampaignNextTierCameNear(
        ladder_version=fact.ladder_version,
        currency=table.currency,
        fill=fact.fill,
        next_threshold=fact.next_threshold,
        moves=map(price_move, fact.moves),
        cause_event_id=str(cause),
    )


def _fixed(campaign_id: UUID, team: domain.Fixed) -> events_pb2.FixedTeam:
    return events_pb2.FixedTeam(team_id=team_id(campaign_id, team.team_id), team_version=team.team_version)


def read_tally(event: Event) -> domain.Tally:
    """Read a tally that was told; Poison where it cannot be."""
    message = event.read_as(events_pb2.TallyEvent)
    campaign, platform = ids.parse(CAMPAIGN, message.campaign_id, 1), ids.parse(PLATFORM, message.platform_id, 1)
    fixed = [(ids.parse(TEAM, team.team_id, 2), team.team_version) for team in message.campaign_tallied.fixed_teams]
    if campaign is None or platform is None or not all(team for team, _ in fixed):
        raise Poison(event.event_id, "it names a campaign, a platform or a team that cannot be")
    totals = message.campaign_tallied.totals
    return domain.Tally(
        campaign[0],
        message.sequence,
        platform[0],
        message.occurred_at.ToDatetime(tzinfo=UTC),
        domain.Counts(*(getattr(totals, name) for name in domain.Counts._fields)),
        tuple(domain.Fixed(team[1], version) for team, version in fixed if team),
    )


def tally_answer(tally: domain.Tally) -> pricing_service_pb2.GetTallyResponse:
    """Write a tally for who asked."""
    return pricing_service_pb2.GetTallyResponse(
        campaign_id=ids.opaque(CAMPAIGN, tally.campaign_id),
        seq=tally.seq,
        event_id=str(tally_id(tally.campaign_id, tally.seq)),
        occurred_at=event_time(tally.at),
        totals=_totals(tally.counts),
    )


def _totals(counts: domain.Counts) -> events_pb2.CampaignTotals:
    return events_pb2.CampaignTotals(**counts._asdict())
