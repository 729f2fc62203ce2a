"""What happened to campaigns as events."""

from datetime import datetime
from typing import Any

from groupbuy.team_formation.v1 import events_pb2

from services.chassis import ids, messages
from services.chassis.messages import Message
from services.team_formation import domain
from services.team_formation.translate.basics import CAMPAIGN_TOPIC, PLATFORM, campaign_id, time
from services.team_formation.translate.terms import campaign


def campaign_created(values: domain.Campaign, at: datetime) -> Message:
    """Write the first event of a campaign."""
    created = events_pb2.CampaignCreated(campaign=campaign(values, at))
    return _campaign_message(values, at, campaign_created=created)


def campaign_changed(decision: domain.CampaignDecision, actor: str, at: datetime) -> Message:
    """Write what was done to a campaign."""
    changed = events_pb2.CampaignChanged(
        campaign=campaign(decision.campaign, at),
        action=events_pb2.CampaignAction.Value(f"CAMPAIGN_ACTION_{decision.action}"),
        actor=actor,
        fields=decision.fields,
    )
    return _campaign_message(decision.campaign, at, campaign_changed=changed)


def _campaign_message(values: domain.Campaign, at: datetime, **fact: Any) -> Message:
    event = events_pb2.CampaignEvent(
        event_id=str(ids.derived_id(values.campaign_id, values.version)),
        platform_id=ids.opaque(PLATFORM, values.platform_id),
        sequence=values.version,
        occurred_at=time(at),
        campaign_id=campaign_id(values.campaign_id),
        **fact,
    )
    return messages.message(CAMPAIGN_TOPIC, event.campaign_id, event)
