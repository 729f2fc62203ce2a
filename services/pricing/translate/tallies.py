"""Writes tallies: the fact that is published, and the answer."""

from uuid import UUID

from groupbuy.pricing.v1 import events_pb2, pricing_service_pb2

from services.chassis import ids, messages
from services.chassis.messages import Message
from services.pricing import domain
from services.pricing.translate.words import CAMPAIGN, PLATFORM, event_time

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
        campaign_tallied=events_pb2.CampaignTallied(totals=_totals(tally.counts)),
    )
    return messages.message(TALLY_TOPIC, event.campaign_id, event)


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
