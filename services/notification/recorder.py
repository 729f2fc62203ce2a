"""Records what came of attempts, several in one transaction: the attempt, what follows from it, and DeliveryEnded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.twins import is_test
from services.chassis.work import Work
from services.notification import metrics, store
from services.notification.domain import (
    Contact,
    End,
    Limits,
    Outcome,
    Pause,
    Refused,
    Sent,
    State,
    after,
    outcome_name,
    pause_after,
)
from services.notification.handlers.platform_events import tell
from services.notification.privacy import without_addresses
from services.notification.sandbox import keep
from services.notification.store import AccountKey, CapturedRow, Claimed, Locked, NewAttempt
from services.notification.store.chats import mark_gone as mark_chats_gone
from services.notification.translate import delivery_ended


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt that was made under a claim."""

    delivery: Claimed
    contact: Contact
    at: datetime
    outcome: Outcome
    captured: CapturedRow | None = None
    """What was kept instead of being sent, of a test platform."""


class Recorder:
    """Writes outcomes. `jitter` gives chance between 0 and 1."""

    def __init__(self, database: Database, clock: Clock, limits: Limits, jitter: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._jitter = jitter

    async def record(self, batch: Sequence[Attempted]) -> list[None]:
        """Record attempts in one transaction.

        An attempt is kept whoever holds the delivery by now. One that was sent ends it even if the claim has run out
        meanwhile: what is true beats who may say it. Anything else moves it only while the claim is ours.
        """
        nows = {item.delivery.platform_id: self._clock.now(item.delivery.platform_id) for item in batch}
        attempts: list[NewAttempt] = []
        captured: list[CapturedRow] = []
        ended: list[tuple[Attempted, End, int]] = []
        waiting: list[tuple[tuple[UUID, UUID], int, datetime, bool]] = []
        async with self._database.work() as work:
            locked = await store.lock_deliveries(work.connection, [item.delivery.key for item in batch])
            for item in batch:
                row, now = locked.get(item.delivery.key), nows[item.delivery.platform_id]
                if row is None:
                    continue  # it was removed meanwhile, as when a test twin begins anew
                number = row.attempts + 1
                locked[item.delivery.key] = Locked(row.state, row.claim_id, number)
                attempts.append(_attempt(item, number))
                if item.captured:
                    captured.append(replace(item.captured, number=number))
                tries = number - item.delivery.attempts_before
                follows = after(item.outcome, tries, item.delivery.since, now, self._jitter(), self._limits)
                if isinstance(follows, End) and row.state is State.PENDING:
                    ended.append((item, follows, number))
                else:
                    ours = row.claim_id == item.delivery.claim_id
                    waiting.append(
                        (item.delivery.key, number, now if isinstance(follows, End) else follows.due_at, ours)
                    )
            await store.insert_attempts(work.connection, attempts)
            await store.wait_deliveries(work.connection, waiting)
            await keep(work.connection, captured)
            await end(
                work,
                [
                    (item.delivery, step, item.contact.channel, number, nows[item.delivery.platform_id])
                    for item, step, number in ended
                ],
                self._clock.now(),
            )
            await self._pause(work, batch, nows)
        for item in batch:
            if not is_test(item.delivery.platform_id):
                _measure(item, nows[item.delivery.platform_id])
        return [None] * len(batch)

    async def _pause(self, work: Work, batch: Sequence[Attempted], nows: Mapping[UUID, datetime]) -> None:
        """Have accounts rest where the attempts say so, and go on where something was sent after a problem."""
        pauses: dict[AccountKey, Pause] = {}
        sent: set[AccountKey] = set()
        for item in batch:
            key = item.delivery.platform_id, item.contact.channel
            if pause := pause_after(item.outcome, nows[item.delivery.platform_id], self._limits):
                said = without_addresses(pause.problem, item.contact.address) if pause.problem else ""
                pauses[key] = Pause(pause.until, said)
                sent.discard(key)
            elif isinstance(item.outcome, Sent):
                sent.add(key)
        if pauses:
            await store.save_pauses(work.connection, pauses, nows)
        if sent:
            await store.end_problems(work.connection, sorted(sent))
        gone = [item for item in batch if isinstance(item.outcome, Refused) and item.outcome.is_gone]
        if gone:
            await store.mark_gone(
                work.connection,
                [
                    (item.delivery.platform_id, item.delivery.member_id, item.contact.contact_id, _said(item))
                    for item in gone
                ],
                nows,
            )
            chats = [(item.delivery.platform_id, item.contact.contact_id, _said(item)) for item in gone]
            await mark_chats_gone(work.connection, chats, nows)


def _measure(item: Attempted, now: datetime) -> None:
    """Count an attempt; one of a test twin wakes nobody up."""
    metrics.ATTEMPTS.labels(item.contact.channel, outcome_name(item.outcome)).inc()
    if item.delivery.due_at:
        delay = max((now - item.delivery.due_at).total_seconds(), 0)
        metrics.DELAY.labels(item.contact.channel).observe(delay)


def _said(item: Attempted) -> str:
    return "" if isinstance(item.outcome, Sent) else without_addresses(item.outcome.detail, item.contact.address)


def _attempt(item: Attempted, number: int) -> NewAttempt:
    return NewAttempt(
        platform_id=item.delivery.platform_id,
        campaign_id=item.delivery.campaign_id,
        delivery_id=item.delivery.delivery_id,
        number=number,
        contact_id=item.contact.contact_id,
        channel=item.contact.channel,
        attempted_at=item.at,
        outcome=outcome_name(item.outcome),
        provider_id=item.outcome.provider_id if isinstance(item.outcome, Sent) else "",
        detail=_said(item),
    )


async def end(work: Work, rows: Sequence[tuple[Claimed, End, str, int, datetime]], kept_at: datetime) -> None:
    """End deliveries that are locked or claimed, given as (delivery, how, channel, attempts, when), and tell it."""
    await store.end_deliveries(
        work.connection,
        [(item.key, step.state, step.reason, channel, count, at) for item, step, channel, count, at in rows],
    )
    for item, step, channel, _, _ in rows:
        if not is_test(item.platform_id):
            metrics.ENDED.labels(channel, step.state.lower()).inc()
    told = [
        (item.platform_id, delivery_ended(item, step, channel, count, at)) for item, step, channel, count, at in rows
    ]
    await tell(work, told, kept_at)
