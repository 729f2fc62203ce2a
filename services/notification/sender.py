"""The sender: claims deliveries whose turn has come, hands each to its channel, and has the outcome recorded.

A claim is a lease. A sender that dies between the channel's answer and the record lets the lease run out, and the same
delivery is tried again with the same id: at least once, and what a second time means stands in each channel's file.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, TypeVar
from uuid import UUID

from services.chassis import ids, logs, spans, trace
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.spans import Attributes
from services.chassis.twins import is_test
from services.chassis.work import Work
from services.notification import metrics, store
from services.notification.accounts import Accounts
from services.notification.channels import (
    Account,
    Channel,
    Channels,
    Letter,
    Misconfigured,
    Outcome,
    Retry,
    Sent,
    Setup,
)
from services.notification.contacts import Contacts, Reachable
from services.notification.domain import (
    Contact,
    End,
    Kind,
    Limits,
    Reroute,
    Send,
    Tried,
    Wait,
    next_step,
    outcome_name,
)
from services.notification.flights import Flights, Pace, recorded
from services.notification.letters import letter_of
from services.notification.pacing import Turns, is_far
from services.notification.places import Found, Places, seat_of
from services.notification.privacy import without_addresses, without_token
from services.notification.recorder import Attempted, end
from services.notification.sandbox import Sandbox
from services.notification.store import CapturedRow, Claim, Claimed
from services.notification.store.member_messages import ReplyRow, find_replies
from services.notification.unsubscribing import Unsubscribing

Made = TypeVar("Made")

_UNREACHED = Reachable()
_LONGEST_SUBJECT = 60
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
        sandbox: Sandbox,
        unsubscribing: Unsubscribing | None = None,
        places: Places | None = None,
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
        self._sandbox = sandbox
        self._unsubscribing = unsubscribing
        self._places = places
        self._flights: Flights[Claimed] = Flights(pace)

    async def run(self) -> None:
        """Send for as long as the process runs: woken when deliveries are written, else looking once a second."""
        await self._flights.run(self._database.wakes, store.WAKE_CHANNEL, self.run_once, self._clock)

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
            ready = [(item, step) for item, step in claimed if isinstance(step, _Ready)]
            places = self._ask_places(item for item, _ in ready)
            for item, step in ready:
                self._begin(item, step, places)
        return len(claimed)

    def _ask_places(self, items: Iterable[Claimed]) -> "asyncio.Future[Found] | None":
        """Ask for the links of a batch, once for all of it; None where no message has one."""
        seated = [item for item in items if self._places and seat_of(item)]
        if not (self._places and seated):
            return None
        with trace.within(next((item.traceparent for item in seated if item.traceparent), "")):
            return asyncio.ensure_future(self._places.find(seated))

    async def _claim(self, claims: Sequence[Claim], most: int) -> list[tuple[Claimed, "_Step"]]:
        """Claim, and in the same transaction end what is over and give back what has to wait or is another's turn."""
        now = self._clock.now()
        async with self._database.work() as work:
            claimed = await self._claim_due(work, claims, most, now)
            if not claimed:
                return []
            steps = await self._decide(work, claimed, now)
            await end(
                work,
                [
                    (item, step, item.channel, item.attempts, self._clock.now(item.platform_id))
                    for item, step in steps
                    if isinstance(step, End)
                ],
                now,
            )
            await store.reroute_deliveries(
                work.connection, [(item.key, step.channel) for item, step in steps if isinstance(step, Reroute)]
            )
            await store.wait_deliveries(
                work.connection,
                [(item.key, item.attempts, step.due_at, True) for item, step in steps if isinstance(step, Wait)],
            )
        return steps

    async def _claim_due(self, work: Work, claims: Sequence[Claim], most: int, now: datetime) -> list[Claimed]:
        """Claim what is due by the machine's time, which is due on every clock, and then by clocks that are ahead."""
        claim_id, until = ids.new_id(), now + self._pace.lease
        claimed = await store.claim_due(work.connection, claims, most, claim_id, now, until)
        ahead = self._clock.ahead()
        if ahead and len(claimed) < most:
            channels, left = [claim.channel for claim in claims], most - len(claimed)
            claimed += await store.claim_due_of_twins(work.connection, ahead, channels, left, claim_id, now, until)
        return claimed

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
        cards = await self._cards(work, claimed)
        replies = await self._replies(work, claimed)
        self._turns.forget(now)
        steps: list[tuple[Claimed, _Step]] = []
        for item in claimed:
            member = reached.get((item.platform_id, item.member_id), _UNREACHED)
            step = next_step(
                known.standing[item.key],
                _where(item, member.contacts, replies),
                known.tried.get(item.key, {}),
                self._clock.now(item.platform_id),
                self._limits,
                pauses.get(item.platform_id, {}),
                member.wishes,
            )
            account = accounts.get((item.platform_id, item.channel))
            if isinstance(step, Send):
                edits = cards.get((item.platform_id, item.member_id), "") if item.kind is Kind.GROUP_CARD else ""
                ready = _Ready(step.contact, account, edits, _tries(known.tried.get(item.key, {}), step.contact))
                steps.append((_worded(item, replies), self._turn(item, ready, now)))
            else:
                steps.append((item, step))
        return steps

    async def _cards(self, work: Work, claimed: Sequence[Claimed]) -> Mapping[tuple[UUID, str], str]:
        """Find what the cards of group chats take the place of."""
        groups = {(item.platform_id, item.member_id) for item in claimed if item.kind is Kind.GROUP_CARD}
        return await store.find_cards(work.connection, sorted(groups)) if groups else {}

    async def _replies(self, work: Work, claimed: Sequence[Claimed]) -> Mapping[UUID, ReplyRow]:
        """Find the answers to members that are among them."""
        replies = [(item.platform_id, item.cause_event_id) for item in claimed if item.kind is Kind.REPLY]
        return await find_replies(work.connection, replies) if replies else {}

    def _needs_account(self, channel: str) -> bool:
        return channel in self._channels and bool(self._channels[channel].setup.fields)

    def _turn(self, item: Claimed, ready: "_Ready", now: datetime) -> "_Ready | Wait":
        """Give a delivery its turn, where the service counts seconds; there is none behind a test platform."""
        per_second = self._channels[item.channel].setup.per_second
        if not per_second or is_test(item.platform_id):
            return ready
        turn = self._turns.take((item.platform_id, item.channel), item.delivery_id, per_second, now)
        return Wait(turn) if is_far(turn, now) else replace(ready, wait_seconds=(turn - now).total_seconds())

    def _room(self) -> Sequence[Claim]:
        """Tell how much room each channel has; one that is slow takes no more than its part of what is free in all."""
        if self._flights.free <= 0:
            return []
        busy = self._flights.busy
        room = {name: self._pace.per_lane - busy[name] for name in self._channels}
        return [Claim(name, limit) for name, limit in room.items() if limit > 0]

    def _begin(self, item: Claimed, ready: "_Ready", places: "asyncio.Future[Found] | None") -> None:
        channel = ready.contact.channel
        metrics.IN_FLIGHT.labels(channel).inc()
        self._flights.begin(item, channel, self._attempt(item, ready, places), metrics.IN_FLIGHT.labels(channel).dec)

    async def _attempt(self, item: Claimed, ready: "_Ready", places: "asyncio.Future[Found] | None") -> None:
        trace.go_on(item.traceparent)  # a task of its own
        await asyncio.sleep(ready.wait_seconds)
        said: Attributes = {"groupbuy.channel": ready.contact.channel, "groupbuy.attempt": item.attempts + 1}
        with spans.under(f"deliver {item.kind}", said) as span:
            outcome = await self._sent(item, ready, places)
            span.set_attribute("groupbuy.outcome", outcome)

    async def _sent(self, item: Claimed, ready: "_Ready", places: "asyncio.Future[Found] | None") -> str:
        """Make an attempt and have it recorded; gives the word for its outcome."""
        place = await _place(item, places)
        contact, at = ready.contact, self._clock.now(item.platform_id)
        captured: CapturedRow | None = None
        outcome: Outcome
        if contact.problem:
            outcome = Retry(contact.problem)
        elif is_test(item.platform_id):
            outcome, captured = await self._rehearse(item, ready, place, at)
        else:
            outcome = await self._send(item, ready, place)
        outcome = _without_place(outcome, place)
        if isinstance(outcome, Misconfigured):
            why = without_addresses(outcome.detail, contact.address)
            log.error("channel is misconfigured", channel=contact.channel, why=why)
        await recorded(self._record, Attempted(item, contact, at, outcome, captured))
        return outcome_name(outcome)

    async def _send(self, item: Claimed, ready: "_Ready", place: str) -> Outcome:
        channel, account = self._channels[ready.contact.channel], ready.account
        if account is None and channel.setup.is_needed:
            return Misconfigured(_NOT_SET_UP)
        letter = self._letter(item, ready, channel.setup, place)
        return await self._call(channel, channel.send(letter, account or Account(item.platform_id, {})))

    async def _rehearse(
        self, item: Claimed, ready: "_Ready", place: str, at: datetime
    ) -> tuple[Outcome, CapturedRow | None]:
        """Do all but send, for a test platform; nothing is kept where the channel fails."""
        channel = self._channels[ready.contact.channel]
        letter = self._letter(item, ready, channel.setup, place)
        rehearsed = self._sandbox.send(channel, item, letter, ready.account, ready.tries, at)
        made = await self._call(channel, rehearsed)
        return (made, None) if isinstance(made, Retry) else made

    async def _call(self, channel: Channel, call: Awaitable[Made]) -> Made | Retry:
        try:
            async with asyncio.timeout(self._pace.seconds):
                return await call
        except TimeoutError:
            return Retry(f"no answer in {self._pace.seconds:g} seconds")
        except Exception as error:  # noqa: BLE001
            # An adapter's fault must not lose the message; its text may hold an address, so only the kind is said.
            log.error("channel failed", channel=channel.name, error=type(error).__name__)  # noqa: TRY400
            return Retry(f"the channel failed: {type(error).__name__}")

    def _letter(self, item: Claimed, ready: "_Ready", setup: Setup, place: str) -> Letter:
        links = self._unsubscribing
        unsubscribe = links.link(item.platform_id, item.member_id, item.kind) if links else ""
        return letter_of(item, ready.contact, setup, place=place, unsubscribe=unsubscribe, edits=ready.edits)


@dataclass(frozen=True, slots=True)
class _Ready:
    """An attempt that is made now, or in a moment."""

    contact: Contact
    account: Account | None
    edits: str = ""
    """The service's id of the message whose place this one takes."""
    tries: int = 0
    """Attempts that it has made at the contact point."""
    wait_seconds: float = 0.0


def _where(item: Claimed, contacts: Sequence[Contact], replies: Mapping[UUID, ReplyRow]) -> Sequence[Contact]:
    """Give the contact points that a message may take: an answer to what was written in a chat goes there alone."""
    if item.kind is not Kind.REPLY:
        return contacts
    reply = replies.get(item.cause_event_id)
    if reply is None:  # it was forgotten meanwhile
        return ()
    return [contact for contact in contacts if reply.chat_id in {None, contact.contact_id}]


def _worded(item: Claimed, replies: Mapping[UUID, ReplyRow]) -> Claimed:
    """Give an answer to a member its words, below the beginning of what was asked; others have theirs."""
    reply = replies.get(item.cause_event_id) if item.kind is Kind.REPLY else None
    if reply is None:
        return item
    first = reply.question.splitlines()[0]
    asked = first if len(first) <= _LONGEST_SUBJECT else f"{first[: _LONGEST_SUBJECT - 1]}…"
    return replace(item, subject=f"> {asked}", body=f"{reply.words}\n")


def _tries(tried: Mapping[UUID, Tried], contact: Contact) -> int:
    return tried[contact.contact_id].attempts if contact.contact_id in tried else 0


_Step: TypeAlias = _Ready | Reroute | Wait | End


async def _place(item: Claimed, places: "asyncio.Future[Found] | None") -> str:
    """Wait for the link of the member's page, if the message has one; what else waits for it goes on waiting."""
    seat = seat_of(item)
    return (await asyncio.shield(places)).get(seat, "") if places and seat else ""


def _without_place(outcome: Outcome, place: str) -> Outcome:
    """Take the link out of what a service repeated of the message."""
    return outcome if isinstance(outcome, Sent) else replace(outcome, detail=without_token(outcome.detail, place))
