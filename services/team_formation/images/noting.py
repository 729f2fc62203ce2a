"""Notes which picture a campaign needs, in the transaction that creates or changes it."""

from datetime import datetime

from services.chassis.work import Work
from services.team_formation.domain import Action, Campaign, CampaignDecision
from services.team_formation.store import images as shelf

WAKE_CHANNEL = "images"
"""Wakes whoever fetches pictures."""
_FIELDS = {"presentation", "ends_at", "latest_end"}


async def note_created(work: Work, campaign: Campaign, now: datetime) -> None:
    """Note what a new campaign needs; most need nothing."""
    if campaign.presentation.image_url:
        await _note(work, campaign, now)


async def note_changed(work: Work, before: Campaign, decision: CampaignDecision, now: datetime) -> None:
    """Note what a campaign needs after a change, where that may be something else, or for another time."""
    urls = {before.presentation.image_url, decision.campaign.presentation.image_url}
    if urls != {""} and decision.action is Action.UPDATE and not _FIELDS.isdisjoint(decision.fields):
        await _note(work, decision.campaign, now)


async def _note(work: Work, campaign: Campaign, now: datetime) -> None:
    await shelf.note_image(work.connection, campaign, now)
    work.call(WAKE_CHANNEL)
