"""Writes deliveries: messages put into words, pending where the member can be reached and suppressed where not."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis import ids, logs, trace
from services.chassis.clock import Clock
from services.chassis.twins import is_test
from services.chassis.work import Work
from services.notification import metrics, store
from services.notification.domain import End, Message, Opened, State, Team, Templates, choose, deadline
from services.notification.handlers.platform_events import tell
from services.notification.own_templates import OwnTemplates
from services.notification.rendering import Words, render, wanted_languages
from services.notification.store import NewDelivery, Reach
from services.notification.translate import delivery_ended

log = logs.logger(__name__)

_OWN = OwnTemplates()
_NO_CONTACT = "the member has no contact point"
_UNKNOWN = "the member is not registered"


async def write_deliveries(work: Work, messages: Sequence[tuple[Team, Message]], clock: Clock) -> int:
    """Write a delivery for each message of opened teams, at their platforms' time; returns how many are new.

    One that is there already stays.
    """
    if not messages:
        return 0
    members = sorted({(team.platform_id, message.member_id) for team, message in messages})
    reaches = await store.find_reaches(work.connection, members)
    changes = {key[0]: reach.templates for key, reach in reaches.items() if reach.templates}
    own = await _OWN.of(work.connection, changes) if changes else {}
    rows = [
        _delivery(
            team,
            message,
            reach,
            _words(message, team.opened, reach, own.get(team.platform_id, {})),
            clock.now(team.platform_id),
        )
        for team, message in messages
        if team.opened
        for reach in [reaches.get((team.platform_id, message.member_id))]
    ]
    written = await store.insert_deliveries(work.connection, rows)
    if any(row.state is State.PENDING for row in rows if row.delivery_id in written):
        work.call(store.WAKE_CHANNEL)
    await _tell_suppressed(
        work, [row for row in rows if row.state is not State.PENDING and row.delivery_id in written], clock.now()
    )
    return len(written)


def delivery_id(message: Message) -> UUID:
    """Make the id of a message's delivery: of cause, member and kind, the same however often it is made."""
    return ids.derived_id(message.cause_event_id, message.member_id, message.kind)


def _delivery(team: Team, message: Message, reach: Reach | None, words: Words, now: datetime) -> NewDelivery:
    channel = reach.channel if reach else None
    trace.caused_by(message.cause_event_id)
    return NewDelivery(
        platform_id=team.platform_id,
        campaign_id=team.campaign_id,
        delivery_id=delivery_id(message),
        team_id=team.team_id,
        seat_id=message.seat_id,
        member_id=message.member_id,
        kind=message.kind,
        cause_event_id=message.cause_event_id,
        team_version=message.team_version,
        language=words.language,
        subject=words.subject,
        body=words.body,
        created_at=now,
        state=State.PENDING if channel else State.SUPPRESSED,
        reason="" if channel else (_NO_CONTACT if reach else _UNKNOWN),
        ended_at=None if channel else now,
        channel=channel or "",
        due_at=now,
        template_channel=words.channel,
        template_version=words.version,
        link=words.link,
        link_label=words.link_label,
        deadline=deadline(message.facts),
        traceparent=trace.kept(),
    )


def _words(message: Message, opened: Opened, reach: Reach | None, own: Templates) -> Words:
    """Put a message into words, for the channel that is tried first."""
    language, time_zone = (reach.language, reach.time_zone) if reach else ("", "")
    template = None
    if own and reach:
        languages = wanted_languages(language or opened.texts[0].language)
        template = choose(own, message.kind, reach.channel or "", languages)
    return render(message.kind, message.facts, opened, language, time_zone, template)


async def _tell_suppressed(work: Work, rows: Sequence[NewDelivery], now: datetime) -> None:
    for row in rows:
        if not is_test(row.platform_id):
            metrics.ENDED.labels("", row.state.lower()).inc()
    ended = [(row.platform_id, delivery_ended(row, End(row.state, row.reason), "", 0, row.created_at)) for row in rows]
    await tell(work, ended, now)
