"""Applies tallies: what pricing counted of campaigns is the fill of ladders that a whole campaign fills."""

from collections import defaultdict
from uuid import UUID

from groupbuy.pricing.v1 import events_pb2

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.errors import Poison
from services.chassis.messages import Event
from services.chassis.outbox import WAKE_CHANNEL
from services.chassis.work import Work
from services.team_formation import store, translate
from services.team_formation.domain import Tally
from services.team_formation.store import CampaignTally

TALLIES = "groupbuy.tally.v1"


class TallyHandler:
    """The handler of groupbuy.tally.v1."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def on_tallies(self, work: Work, events: list[Event]) -> None:
        """Keep the last tally of each campaign, and what it fixes; Poison for one that cannot be read."""
        last: dict[UUID, CampaignTally] = {}
        fixed: defaultdict[UUID, list[tuple[UUID, int]]] = defaultdict(list)
        for event in events:
            applied = _read(event)
            last[applied.campaign_id] = applied
            if teams := _fixed(event):
                fixed[applied.campaign_id] += [(team, applied.tally.units) for team in teams]
        if await store.apply_tallies(work.connection, list(last.values()), self._clock.now()):
            await store.fix_teams(work.connection, list(fixed.items()))
            work.call(WAKE_CHANNEL)


def _read(event: Event) -> CampaignTally:
    envelope = event.read_as(events_pb2.TallyEvent)
    platform = ids.parse(translate.PLATFORM, envelope.platform_id, 1)
    campaign = ids.parse(translate.CAMPAIGN, envelope.campaign_id, 1)
    units = envelope.campaign_tallied.totals.units_of_fill
    if platform is None or campaign is None or units < 0:
        raise Poison(event.event_id, "cannot be read: no platform or campaign, or units below zero")
    return CampaignTally(platform[0], campaign[0], Tally(envelope.sequence, units))


def _fixed(event: Event) -> list[UUID]:
    envelope = event.read_as(events_pb2.TallyEvent)
    found = [ids.parse(translate.TEAM, item.team_id, 2) for item in envelope.campaign_tallied.fixed_teams]
    if None in found:
        raise Poison(event.event_id, "cannot be read: a fixed team is no team")
    return [pair[1] for pair in found if pair]
