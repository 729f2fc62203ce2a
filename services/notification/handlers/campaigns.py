"""Campaigns before their teams: a copy of them, and members who want to be reminded of a start."""

from dataclasses import dataclass
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.notification.v1 import messages_pb2
from groupbuy.team_formation.v1 import events_pb2 as teams_pb2

from services.chassis import ids, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Poison, Rejected
from services.chassis.messages import Event
from services.chassis.requests import Answer, Decided, RequestKey
from services.chassis.work import Work
from services.notification import store, translate
from services.notification.domain import (
    LATEST_REMINDER,
    SPREAD,
    Campaign,
    CampaignState,
    Kind,
    Message,
    Starts,
    Team,
    reminded_before,
)
from services.notification.handlers.writing import write_deliveries
from services.notification.translate import NOBODYS

PAGE = 500
_OVER = {CampaignState.CANCELLED, CampaignState.ENDED}


@dataclass(frozen=True, slots=True)
class RemindMember:
    """A checked command."""

    key: RequestKey
    campaign_id: UUID
    member_id: str


class StartReminders:
    """Keeps campaigns, and reminds of their starts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def on_campaign_events(self, work: Work, events: list[Event]) -> None:
        """Keep the copy: each event carries the whole campaign."""
        newest: dict[UUID, Campaign] = {}
        for event in events:
            try:
                campaign = translate.campaign_copy(event.read_as(teams_pb2.CampaignEvent))
            except (translate.Unreadable, ValueError, OverflowError) as problem:
                raise Poison(event.event_id, f"cannot be read: {problem}") from None
            if campaign:
                newest[campaign.campaign_id] = campaign
        await store.save_campaigns(work.connection, [newest[key] for key in sorted(newest)])

    async def remind(self, command: RemindMember) -> Answer:
        """Note that a member wants to be reminded, and store the answer."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            campaign = await self._waits_for(work, command)
            before = reminded_before(campaign.campaign_id, command.member_id)
            await store.insert_reminder(work.connection, campaign, command.member_id, before)
            starts_at = Timestamp()
            starts_at.FromDatetime(campaign.starts_at)
            answer = messages_pb2.RemindMemberResponse(starts_at=starts_at).SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def _waits_for(self, work: Work, command: RemindMember) -> Campaign:
        campaign = await store.find_campaign(work.connection, command.key.platform_id, command.campaign_id)
        if campaign is None:
            raise Rejected("CAMPAIGN_UNKNOWN")
        if campaign.state in _OVER:
            raise Rejected("CAMPAIGN_CANCELLED")
        if campaign.starts_at <= self._clock.now(campaign.platform_id):
            raise Rejected("CAMPAIGN_STATE", {"state": "RUNNING", "action": "a reminder of its start"})
        if not await store.find_reaches(work.connection, [(command.key.platform_id, command.member_id)]):
            raise Rejected("MEMBER_UNKNOWN")
        return campaign

    async def tell_starts(self) -> int:
        """Write a page of reminders; returns how many there were. Run by a timer."""
        now, longest = self._clock.now(), LATEST_REMINDER + SPREAD
        async with self._database.work() as work:
            due = await store.take_due_reminders(work.connection, now, self._clock.ahead(), longest, PAGE)
            campaigns = await store.find_campaigns(work.connection, sorted({key for key, _ in due}))
            told = [
                _told(campaigns[campaign_id], member_id)
                for campaign_id, member_id in due
                if self._is_to_come(campaigns[campaign_id])
            ]
            await write_deliveries(work, told, self._clock)
        return len(due)

    def _is_to_come(self, campaign: Campaign) -> bool:
        return campaign.state not in _OVER and campaign.starts_at > self._clock.now(campaign.platform_id)


def _told(campaign: Campaign, member_id: str) -> tuple[Team, Message]:
    """Write to a member of no team: the campaign stands for it."""
    nobodys = Team(campaign.platform_id, campaign.campaign_id, NOBODYS, opened=campaign.opened)
    cause = ids.derived_id(campaign.campaign_id, Kind.REMINDER, member_id, campaign.starts_at.isoformat())
    return nobodys, Message(cause, 0, Kind.REMINDER, NOBODYS, member_id, Starts(campaign.starts_at))
