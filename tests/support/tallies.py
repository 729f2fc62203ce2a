"""Tallies as pricing tells them, applied to a team_formation of one process."""

from collections.abc import Sequence

from groupbuy.pricing.v1 import events_pb2

from services.chassis import ids
from services.chassis.inbox import Inbox
from services.chassis.messages import Record
from services.team_formation import domain, translate
from services.team_formation.handlers import TALLIES, TallyHandler
from tests.support.formation import Formation


def a_tally(campaign: domain.Campaign, seq: int, units: int, fixed: Sequence[str] = ()) -> Record:
    """Make the record of a tally; `fixed` are teams whose final prices it fixes."""
    key = translate.campaign_id(campaign.campaign_id)
    envelope = events_pb2.TallyEvent(
        event_id=str(ids.derived_id(campaign.campaign_id, seq)),
        platform_id=ids.opaque(translate.PLATFORM, campaign.platform_id),
        sequence=seq,
        campaign_id=key,
        campaign_tallied=events_pb2.CampaignTallied(
            totals=events_pb2.CampaignTotals(units_of_fill=units),
            fixed_teams=[events_pb2.FixedTeam(team_id=team, team_version=9) for team in fixed],
        ),
    )
    return tally_record(envelope)


def tally_record(event: events_pb2.TallyEvent) -> Record:
    """Make the record of a tally that was told."""
    return Record(TALLIES, event.campaign_id, event.SerializeToString())


async def apply(formation: Formation, *records: Record) -> None:
    """Apply records the way the consumer does."""
    inbox = Inbox(formation.database, {TALLIES: TallyHandler(formation.clock).on_tallies})
    await inbox.apply(records)


async def tally(
    formation: Formation, campaign: domain.Campaign, seq: int, units: int, fixed: Sequence[str] = ()
) -> None:
    """Have a campaign counted."""
    await apply(formation, a_tally(campaign, seq, units, fixed))
