"""The sender: claims deliveries whose turn has come, hands each to its channel, and has the outcome recorded.

A claim is a lease. A sender that dies between the channel's answer and the record lets the lease run out, and the same
delivery is tried again with the same id: at least once, and what a second time means stands in each channel's file.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.chassis import ids, logs
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.work import Work
from services.notification import metrics, store
from services.notification.accounts import Accounts
from services.notification.channels import Account, Channel, Channels, Letter, Misconfigured, Outcome, Retry, Setup
from services.notification.contacts import Contacts, Reachable
from services.notification.domain import Contact, End, Limits, Reroute, Send, Wait, next_step, without_link
from services.notification.flights import Flights, Pace, recorded
from services.notification.pacing import Turns, is_far
from services.notification.privacy import without_addresses
from services.notification.recorder import Attempted, end
from services.notification.store import Claim, Claimed
from services.notification.unsubscribing import Unsubscribing

_UNREACHED = Reachable()
_NOT_SET_UP = "the platform has not set this channel up; PutChannel does"

log = logs.logger(__name__)


class Sender:
    """The part of a process that sends. `record` stores an attempt and returns when it is committed."""

    def __init__(  # noqa: PLR0913 - the parts it is made of
        self,
        database: Database,
        clock: Clock,
        channels: Channels,
        accounts: Accounts,
        contacts: Contacts,
        record: Callable[[Attempted], Awaitable[None]],
        *,
        limits: Limits,
        pace: Pace,
        unsubscribing: Unsubscribing | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._channels = channels
        self._accounts = accounts
        self._contacts = contacts
        self._turns = Turns()
        self._record = record
        self._limits = limits
        self._pace = pace
        self._unsubscribing = unsubscribing
        self._flights: Flights[Claimed] = Flights(pace)

    async def run(self) -> None:
        """Send for as long as the process runs: woken when deliveries are written, else looking once a second."""
        await self._flights.run(self._database.wakes, store.WAKE_CHANNEL, self.run_once)

    async def stop(self) -> None:
        """Claim nothing more, let what is under way end, and give back what did not."""
        given_up = await self._flights.stop()
        if given_up:
            async with self._database.work() as work:
                await store.release_claims(work.connection, given_up)
        for channel in self._channels.values():
            await channel.close()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        await self._flights.idle()

    async def run_once(self) -> int:
        """Claim what is due, as far as there is room, and begin to send it; returns the number claimed."""
        async with self._flights.claiming:
            claims = [] if self._flights.stopping else self._room()
            claimed = await self._claim(claims, self._flights.free) if claims else []
            for item, step in claimed:
                if isinstance(step, _Ready):
                    self._begin(item, step)
        return len(claimed)

    async def _claim(self, claims: Sequence[Claim], most: int) -> list[tuple[Claimed, "_Step"]]:
        """Claim, and in the same transaction end what is over and give back what has to wait or is another's turn."""
        now = self._clock.now()
        async with self._database.work() as work:
            claimed = await store.claim_due(work.connection, claims, most, ids.new_id(), now, now + self._pace.lease)
            if not claimed:
                return []
            steps = await self._decide(work, claimed, now)
            await end(
                work, [(item, step, item.channel, item.attempts) for item, step in steps if isinstance(step, End)], now
            )
            await store.reroute_deliveries(
                work.connection, [(item.key, step.channel) for item, step in steps if isinstance(step, Reroute)]
            )
            await store.wait_deliveries(
                work.connection,
                [(item.key, item.attempts, step.due_at, True) for item, step in steps if isinstance(step, Wait)],
            )
        return steps

    async def _decide(self, work: Work, claimed: Sequence[Claimed], now: datetime) -> list[tuple[Claimed, "_Step"]]:
        members = [(item.platform_id, item.member_id) for item in claimed]
        reached = await self._contacts.find(work.connection, members)
        known = await store.find_standings(work.connection, claimed)
        resting = await store.find_pauses(work.connection, sorted({item.platform_id for item in claimed}))
        pauses = {one: {name: row.pause for name, row in rows.items()} for one, rows in resting.items()}
        accounts = await self._accounts.find(
            work.connection,
            sorted({(item.platform_id, item.channel) for item in claimed if self._needs_account(item.channel)}),
        )
        self._turns.forget(now)
        steps: list[tuple[Claimed, _Step]] = []
        for item in claimed:
            member = reached.get((item.platform_id, item.member_id), _UNREACHED)
            step = next_step(
                known.standing[item.key],
                member.contacts,
                known.tried.get(item.key, {}),
                now,
                self._limits,
                pauses.get(item.platform_id, {}),
                member.wishes,
            )
            account = accounts.get((item.platform_id, item.channel))
            steps.append((item, self._turn(item, step.contact, account, now) if isinstance(step, Send) else step))
        return steps

    def _needs_account(self, channel: str) -> bool:
        return channel in self._channels and bool(self._channels[channel].setup.fields)

    def _turn(self, item: Claimed, contact: Contact, account: Account | None, now: datetime) -> "_Ready | Wait":
        """Give a delivery its turn, where the service counts seconds."""
        per_second = self._channels[item.channel].setup.per_second
        turn = now
        if per_second:
            turn = self._turns.take((item.platform_id, item.channel), item.delivery_id, per_second, now)
        return Wait(turn) if is_far(turn, now) else _Ready(contact, account, (turn - now).total_seconds())

    def _room(self) -> Sequence[Claim]:
        """Give each channel the room that it may take, the least busy first; one that is slow takes only its part.

        Together it may be more than is free: which channels have something to send is seen when it is claimed.
        """
        free, busy = self._flights.free, self._flights.busy
        room = {name: min(self._pace.per_lane - busy[name], free) for name in self._channels}
        return [Claim(name, room[name]) for name in sorted(room, key=lambda name: busy[name]) if room[name] > 0]

    def _begin(self, item: Claimed, ready: "_Ready") -> None:
        channel = ready.contact.channel
        metrics.IN_FLIGHT.labels(channel).inc()
        self._flights.begin(item, channel, self._attempt(item, ready), metrics.IN_FLIGHT.labels(channel).dec)

    async def _attempt(self, item: Claimed, ready: "_Ready") -> None:
        await asyncio.sleep(ready.wait_seconds)
        contact, at = ready.contact, self._clock.now()
        channel, account = self._channels[contact.channel], ready.account
        outcome: Outcome
        if contact.problem:
            outcome = Retry(contact.problem)
        elif account is None and channel.setup.is_needed:
            outcome = Misconfigured(_NOT_SET_UP)
        else:
            account = account or Account(item.platform_id, {})
            outcome = await self._call(channel, self._letter(item, contact, channel.setup), account)
        if isinstance(outcome, Misconfigured):
            why = without_addresses(outcome.detail, contact.address)
            log.error("channel is misconfigured", channel=contact.channel, why=why)
        await recorded(self._record, Attempted(item, contact, at, outcome))

    async def _call(self, channel: Channel, letter: Letter, account: Account) -> Outcome:
        try:
            async with asyncio.timeout(self._pace.seconds):
                return await channel.send(letter, account)
        except TimeoutError:
            return Retry(f"no answer in {self._pace.seconds:g} seconds")
        except Exception as error:  # noqa: BLE001
            # An adapter's fault must not lose the message; its text may hold an address, so only the kind is said.
            log.error("channel failed", channel=channel.name, error=type(error).__name__)  # noqa: TRY400
            return Retry(f"the channel failed: {type(error).__name__}")

    def _letter(self, item: Claimed, contact: Contact, setup: Setup) -> Letter:
        links = self._unsubscribing
        return _letter(item, contact, setup, links.link(item.platform_id, item.member_id, item.kind) if links else "")


@dataclass(frozen=True, slots=True)
class _Ready:
    """An attempt that is made now, or in a moment."""

    contact: Contact
    account: Account | None
    wait_seconds: float


_Step: TypeAlias = _Ready | Reroute | Wait | End


def _letter(item: Claimed, contact: Contact, setup: Setup, unsubscribe: str) -> Letter:
    return Letter(
        delivery_id=item.delivery_id,
        address=contact.address,
        kind=item.kind,
        member_id=item.member_id,
        team_id=ids.opaque("team", item.campaign_id, item.team_id),
        language=item.language,
        subject=item.subject,
        body=without_link(item.body, item.link_label, item.link) if setup.has_buttons else item.body,
        written_at=item.created_at,
        link=item.link,
        link_label=item.link_label,
        unsubscribe=unsubscribe,
    )
