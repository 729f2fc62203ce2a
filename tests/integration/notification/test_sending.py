"""The sender: each delivery is sent once and ends, whatever dies, stalls or refuses."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from groupbuy.notification.v1 import events_pb2
from groupbuy.pricing.v1 import ladder_pb2

from services.chassis.coalesce import Coalescer
from services.notification.accounts import Accounts
from services.notification.channels import (
    Account,
    Channel,
    Http,
    Letter,
    Misconfigured,
    Outcome,
    Refused,
    Retry,
    Sent,
    Setup,
)
from services.notification.channels.email import EmailChannel
from services.notification.channels.webhook import WebhookChannel
from services.notification.contacts import Contacts
from services.notification.domain import Limits
from services.notification.flights import Pace
from services.notification.places import Places
from services.notification.recorder import Attempted, Recorder
from services.notification.sender import Sender
from services.notification.testing import http_sink
from tests.support.notifying import SEALER, Notifying, a_sandbox
from tests.support.prices import FORMED, Pricing, campaign_changed, campaign_near
from tests.support.sinks import Endpoint, smtp_sink
from tests.support.team_turns import TeamTurns
from tests.support.teams import TeamLife, price_table
from tests.support.until import until

LIMITS = Limits(attempts=5, age=timedelta(hours=1))


@dataclass
class Scripted:
    """A channel whose outcomes a test chooses: what is under test is the sender."""

    name: str
    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[Letter] = field(default_factory=list)
    setup: Setup = field(default_factory=Setup)
    accounts: list[Account] = field(default_factory=list)
    gate: asyncio.Event | None = None
    under_way: set[UUID] = field(default_factory=set)
    overlaps: int = 0
    fails: Callable[[], Exception] | None = None

    def check(self, _address: str) -> str | None:
        return None

    def check_account(self, _settings: Mapping[str, str]) -> Mapping[str, str]:
        return {}

    async def send(self, letter: Letter, account: Account) -> Outcome:
        self.accounts.append(account)
        self.overlaps += letter.delivery_id in self.under_way
        self.under_way.add(letter.delivery_id)
        try:
            self.sent.append(letter)
            if self.gate:
                await self.gate.wait()
            if self.fails:
                raise self.fails()
            return self.outcomes.pop(0) if self.outcomes else Sent("id-1")
        finally:
            self.under_way.discard(letter.delivery_id)

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def a_sender(
    notification: Notifying,
    *channels: Channel,
    pace: Pace | None = None,
    limits: Limits = LIMITS,
    places: Places | None = None,
    recorder: type[Recorder] = Recorder,
) -> AsyncIterator[Sender]:
    """Run a recorder, and give a sender that a test drives or runs."""
    record = recorder(notification.database, notification.clock, limits, lambda: 1.0).record
    outcomes: Coalescer[Attempted, None] = Coalescer("outcomes", record)
    recording = asyncio.create_task(outcomes.run())
    sender = Sender(
        notification.database,
        notification.clock,
        {channel.name: channel for channel in channels},
        Accounts(SEALER),
        Contacts(SEALER),
        outcomes.submit,
        limits=limits,
        pace=pace or Pace(),
        sandbox=a_sandbox({channel.name: channel for channel in channels}, notification.clock),
        places=places,
    )
    try:
        yield sender
    finally:
        await sender.stop()
        recording.cancel()
        await asyncio.wait([recording])


async def turn(sender: Sender) -> int:
    """Claim and send what is due until nothing is, as `run` does."""
    total = 0
    while claimed := await sender.run_once():
        total += claimed
        await sender.idle()
    return total


async def a_delivery(
    notification: Notifying, *points: tuple[str, str], members: tuple[str, ...] = ("mei",)
) -> TeamLife:
    """Open a team: one JOINED for each member."""
    life = TeamLife(maximum=500)
    for member in members:
        await notification.put(life.platform, member, *points)
    life.open(members[0])
    for member in members[1:]:
        life.hold(member)
    await notification.apply(*life.records)
    return life


async def attempts(notification: Notifying) -> list[tuple[int, str, str]]:
    rows = await notification.rows("SELECT number, channel, outcome FROM attempts ORDER BY delivery_id, number")
    return [tuple(row) for row in rows]


async def test_what_is_sent_ends_and_is_told(notification: Notifying) -> None:
    life = await a_delivery(notification)
    channel = Scripted("console")
    async with a_sender(notification, channel) as sender:
        assert await turn(sender) == 1
    assert await notification.states() == {("JOINED", "mei"): "SENT"}
    assert await attempts(notification) == [(1, "console", "sent")]
    [event] = await notification.ended()
    fact = event.delivery_ended
    assert (fact.member_id, fact.team_id, fact.channel, fact.attempts) == ("mei", life.team_id, "console", 1)
    assert fact.state == events_pb2.DELIVERY_STATE_SENT
    assert fact.cause_event_id == life.events[1].event_id
    assert event.delivery_id == str(channel.sent[0].delivery_id)
    assert (await notification.rows("SELECT provider_id FROM attempts"))[0][0] == "id-1"


async def test_a_message_that_was_removed_on_its_way_harms_no_other(
    notification: Notifying,
) -> None:
    await a_delivery(notification, members=("mei", "tom"))
    batches: list[int] = []

    class Watched(Recorder):
        async def record(self, batch: Sequence[Attempted]) -> list[None]:
            done = await super().record(batch)
            batches.append(len(batch))
            return done

    gate = asyncio.Event()
    channel = Scripted("console", gate=gate)
    async with a_sender(notification, channel, recorder=Watched) as sender:
        assert await sender.run_once() == 2
        await until(lambda: len(channel.sent) == 2)
        await notification.do("DELETE FROM deliveries WHERE member_id = 'tom'")  # as when a test twin begins anew
        gate.set()
        await sender.idle()
    assert await notification.states() == {("JOINED", "mei"): "SENT"}
    assert await attempts(notification) == [(1, "console", "sent")]
    assert sum(batches) == 2, "what came of both was taken, and no claim has to run out"


async def test_what_fails_is_tried_again_later_and_later(notification: Notifying) -> None:
    await a_delivery(notification)
    channel = Scripted("console", [Retry("busy"), Retry("busy"), Retry("busy", timedelta(minutes=5))])
    waits = []
    async with a_sender(notification, channel) as sender:
        for _ in range(3):
            assert await turn(sender) == 1
            due_at = (await notification.rows("SELECT due_at FROM deliveries"))[0][0]
            waits.append((due_at - notification.clock.now()).total_seconds())
            notification.clock.move(due_at - notification.clock.now() - timedelta(milliseconds=1))
            assert await turn(sender) == 0
            notification.clock.move(timedelta(milliseconds=1))
        assert await turn(sender) == 1
    assert waits == [1.0, 2.0, 300.0]
    assert len({letter.delivery_id for letter in channel.sent}) == 1
    assert [outcome for _, _, outcome in await attempts(notification)] == ["retry", "retry", "retry", "sent"]


async def test_a_refusal_goes_to_the_next_channel_at_once(notification: Notifying) -> None:
    await a_delivery(notification, ("email", "mei@example.com"), ("console", "desk"))
    email, console = Scripted("email", [Refused("550 mei@example.com is unknown")]), Scripted("console")
    async with a_sender(notification, email, console) as sender:
        await turn(sender)
    assert await attempts(notification) == [(1, "email", "refused"), (2, "console", "sent")]
    assert (await notification.rows("SELECT detail FROM attempts ORDER BY number"))[0][0] == "550 (address) is unknown"


async def test_when_every_channel_refuses_the_delivery_is_refused(notification: Notifying) -> None:
    await a_delivery(notification, ("email", "mei@example.com"), ("console", "desk"))
    async with a_sender(
        notification, Scripted("email", [Refused("no")]), Scripted("console", [Refused("no")])
    ) as sender:
        await turn(sender)
    rows = await notification.rows("SELECT state, reason, channel, attempts FROM deliveries")
    assert tuple(rows[0]) == ("REFUSED", "every contact point refused it", "console", 2)


async def test_a_channel_that_stays_away_gives_way_to_the_next(notification: Notifying) -> None:
    await a_delivery(notification, ("email", "mei@example.com"), ("console", "desk"))
    email, console = Scripted("email", [Retry("away")] * 9), Scripted("console")
    async with a_sender(notification, email, console) as sender:
        for _ in range(4):
            await turn(sender)
            notification.clock.move(timedelta(minutes=1))
    assert len(email.sent) == 3
    assert await notification.states() == {("JOINED", "mei"): "SENT"}


async def test_a_delivery_is_dead_after_its_attempts(notification: Notifying) -> None:
    await a_delivery(notification)
    channel = Scripted("console", [Retry("away")] * 50)
    async with a_sender(notification, channel) as sender:
        for _ in range(8):
            await turn(sender)
            notification.clock.move(timedelta(minutes=1))
    assert len(channel.sent) == 5
    assert tuple((await notification.rows("SELECT state, reason FROM deliveries"))[0]) == (
        "DEAD",
        "not accepted in 5 attempts",
    )
    assert [event.delivery_ended.attempts for event in await notification.ended()] == [5]


async def test_a_delivery_is_dead_at_its_age_however_late_a_channel_asked_to_come_back(
    notification: Notifying,
) -> None:
    await a_delivery(notification)
    async with a_sender(notification, Scripted("console", [Retry("away", timedelta(days=365))])) as sender:
        await turn(sender)
        notification.clock.move(timedelta(hours=1))
        await turn(sender)
    assert tuple((await notification.rows("SELECT state, reason FROM deliveries"))[0]) == (
        "DEAD",
        "not accepted in 1 hours, 1 attempts",
    )


async def test_a_misconfigured_channel_is_tried_again_when_an_operator_may_have_acted(notification: Notifying) -> None:
    await a_delivery(notification)
    channel = Scripted("console", [Misconfigured("GROUPBUY_X is not set")])
    async with a_sender(notification, channel) as sender:
        await turn(sender)
        notification.clock.move(timedelta(seconds=59))
        assert await turn(sender) == 0
        notification.clock.move(timedelta(seconds=1))
        await turn(sender)
    assert [outcome for _, _, outcome in await attempts(notification)] == ["misconfigured", "sent"]


async def test_an_adapter_that_raises_loses_nothing_and_says_no_address(notification: Notifying) -> None:
    await a_delivery(notification)
    channel = Scripted("console", fails=lambda: ValueError("desk of mei"))
    async with a_sender(notification, channel) as sender:
        await turn(sender)
    assert tuple((await notification.rows("SELECT outcome, detail FROM attempts"))[0]) == (
        "retry",
        "the channel failed: ValueError",
    )


async def test_a_channel_that_does_not_answer_is_given_up(notification: Notifying) -> None:
    await a_delivery(notification)
    async with a_sender(notification, Scripted("console", gate=asyncio.Event()), pace=Pace(seconds=0.05)) as sender:
        await turn(sender)
    assert (await notification.rows("SELECT detail FROM attempts"))[0][0] == "no answer in 0.05 seconds"


async def test_a_sender_that_dies_between_call_and_record_leaves_one_row_that_is_sent_again_with_its_id(
    notification: Notifying,
) -> None:
    await a_delivery(notification)
    channel = Scripted("console")
    reached = asyncio.Event()

    async def never(_attempted: Attempted) -> None:
        reached.set()
        await asyncio.Event().wait()

    dying = Sender(
        notification.database,
        notification.clock,
        {"console": channel},
        Accounts(SEALER),
        Contacts(SEALER),
        never,
        limits=LIMITS,
        pace=Pace(),
        sandbox=a_sandbox({"console": channel}, notification.clock),
    )
    await dying.run_once()
    await reached.wait()
    for task in list(dying._flights._under_way):
        task.cancel()
        await asyncio.wait([task])
    assert await notification.states() == {("JOINED", "mei"): "PENDING"}
    async with a_sender(notification, channel) as sender:
        assert await turn(sender) == 0
        notification.clock.move(Pace().lease)
        assert await turn(sender) == 1
    assert [letter.delivery_id for letter in channel.sent] == [channel.sent[0].delivery_id] * 2
    assert await notification.states() == {("JOINED", "mei"): "SENT"}
    assert await attempts(notification) == [(1, "console", "sent")]


async def test_what_was_sent_ends_even_if_the_claim_has_run_out_meanwhile(notification: Notifying) -> None:
    await a_delivery(notification)
    channel = Scripted("console", gate=asyncio.Event())
    async with a_sender(notification, channel) as first, a_sender(notification, channel) as second:
        await first.run_once()
        await until(lambda: len(channel.sent) == 1)
        notification.clock.move(Pace().lease)
        await second.run_once()
        await until(lambda: len(channel.sent) == 2)
        assert channel.gate
        channel.gate.set()
        await first.idle()
        await second.idle()
    assert await notification.states() == {("JOINED", "mei"): "SENT"}
    assert len(await notification.ended()) == 1
    assert len(await attempts(notification)) == 2


async def test_two_senders_never_send_one_delivery_at_the_same_time(notification: Notifying) -> None:
    members = tuple(f"m{number}" for number in range(200))
    await a_delivery(notification, members=members)
    channel = Scripted("console")
    pace = Pace(total=20, per_lane=20)
    async with a_sender(notification, channel, pace=pace) as one, a_sender(notification, channel, pace=pace) as other:
        running = [asyncio.create_task(sender.run()) for sender in (one, other)]

        await until(lambda: len(channel.sent) == len(members))
        for sender, task in zip((one, other), running, strict=True):
            await sender.stop()
            await asyncio.wait([task])
    assert channel.overlaps == 0
    assert sorted(letter.member_id for letter in channel.sent) == sorted(members)
    assert len(await notification.ended()) == 200


async def test_a_slow_channel_leaves_room_for_the_others(notification: Notifying) -> None:
    await a_delivery(notification, ("email", "x@example.com"), members=tuple(f"slow{n}" for n in range(20)))
    await a_delivery(notification, members=tuple(f"quick{n}" for n in range(20)))
    slow, quick = Scripted("email", gate=asyncio.Event()), Scripted("console")
    async with a_sender(notification, slow, quick, pace=Pace(total=8, per_lane=4)) as sender:
        running = asyncio.create_task(sender.run())
        await until(lambda: len(quick.sent) == 20)
        assert len(slow.sent) == 4
        assert slow.gate
        slow.gate.set()
        await until(lambda: len(slow.sent) == 20)
        await sender.stop()
        await asyncio.wait([running])
    assert set((await notification.states()).values()) == {"SENT"}


async def test_channels_with_nothing_to_send_take_no_room(notification: Notifying) -> None:
    await a_delivery(notification, ("slack", "x"), members=("mei", "tom", "ana"))
    idle, last = [Scripted(name) for name in ("console", "email", "webhook", "telegram")], Scripted("slack")
    async with a_sender(notification, *idle, last, pace=Pace(total=2, per_lane=2)) as sender:
        assert await sender.run_once() == 2
        await sender.idle()
        assert await sender.run_once() == 1
        await sender.idle()
    assert len(last.sent) == 3


async def test_a_new_delivery_wakes_the_sender(notification: Notifying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notification.flights.POLL_SECONDS", 3600.0)
    channel = Scripted("console")
    async with a_sender(notification, channel) as sender:
        running = asyncio.create_task(sender.run())
        listening = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN %%' AND datname = current_database()"
        is_listening: Any = partial(notification.rows, listening)
        await until(is_listening)
        await a_delivery(notification)
        await until(lambda: len(channel.sent) == 1)
        await sender.stop()
        await asyncio.wait([running])


async def test_however_many_channels_there_are_each_has_its_turn(notification: Notifying) -> None:
    channels = [Scripted(f"chat-{letter}") for letter in "abcdefgh"]
    for n, channel in enumerate(channels):
        await a_delivery(notification, (channel.name, f"mei-{n}"), members=(f"mei{n}", f"tom{n}"))
    async with a_sender(notification, *channels, pace=Pace(total=8, per_lane=4)) as sender:
        assert await sender.run_once() == 8
        await sender.idle()
    assert [len(channel.sent) for channel in channels] == [1] * 8


async def test_stopping_lets_what_is_under_way_end(notification: Notifying) -> None:
    await a_delivery(notification)
    channel = Scripted("console", gate=asyncio.Event())
    async with a_sender(notification, channel) as sender:
        running = asyncio.create_task(sender.run())
        await until(lambda: len(channel.sent) == 1)
        stopping = asyncio.create_task(sender.stop())
        assert channel.gate
        channel.gate.set()
        await stopping
        await asyncio.wait([running])
    assert await notification.states() == {("JOINED", "mei"): "SENT"}


async def test_stopping_gives_back_what_cannot_end(notification: Notifying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notification.flights.RETRY_SECONDS", (0.01,))
    await a_delivery(notification)
    reached = asyncio.Event()

    async def never(_attempted: Attempted) -> None:
        reached.set()
        await asyncio.Event().wait()

    channels = {"console": Scripted("console")}
    pace = Pace(seconds=0.05)
    sender = Sender(
        notification.database,
        notification.clock,
        channels,
        Accounts(SEALER),
        Contacts(SEALER),
        never,
        limits=LIMITS,
        pace=pace,
        sandbox=a_sandbox(channels, notification.clock),
    )
    await sender.run_once()
    await reached.wait()
    await sender.stop()
    assert [tuple(row) for row in await notification.rows("SELECT state, claim_id FROM deliveries")] == [
        ("PENDING", None)
    ]


async def test_what_the_member_registered_last_holds_when_its_turn_comes(notification: Notifying) -> None:
    life = await a_delivery(notification, ("email", "old@example.com"))
    await notification.put(life.platform, "mei", ("console", "desk"))
    email, console = Scripted("email"), Scripted("console")
    async with a_sender(notification, email, console) as sender:
        await turn(sender)
    assert (len(email.sent), [letter.address for letter in console.sent]) == (0, ["desk"])


async def test_who_took_every_contact_point_back_is_not_written_to(notification: Notifying) -> None:
    await a_delivery(notification)
    await notification.do("DELETE FROM contact_points")
    channel = Scripted("console")
    async with a_sender(notification, channel) as sender:
        await turn(sender)
    assert channel.sent == []
    assert await notification.states() == {("JOINED", "mei"): "SUPPRESSED"}


async def prices(notification: Notifying) -> tuple[TeamLife, Pricing]:
    """Make a team in which mei is told of a price."""
    life = TeamLife(minimum=2)
    pricing = Pricing(life)
    for member in ("mei", "tom", "ann"):
        await notification.put(life.platform, member)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    await notification.apply(*life.records, pricing.changed(1, 2, next_fill=3, missing=1))
    return life, pricing


async def test_a_newer_price_takes_the_place_of_an_unsent_older_one(notification: Notifying) -> None:
    life, pricing = await prices(notification)
    life.join("ann")
    await notification.apply(*life.records, pricing.changed(2, 3, next_fill=5, missing=2))
    channel = Scripted("console")
    async with a_sender(notification, channel) as sender:
        await turn(sender)
    rows = await notification.rows(
        "SELECT member_id, team_version, state, reason FROM deliveries WHERE kind = 'PRICE_FELL' ORDER BY 1, 2"
    )
    assert [tuple(row) for row in rows] == [
        ("mei", 5, "SUPERSEDED", "a newer message states the price"),
        ("mei", 7, "SENT", ""),
        ("tom", 7, "SENT", ""),
    ]
    told = [event.delivery_ended for event in await notification.ended()]
    assert sorted(fact.state for fact in told).count(events_pb2.DELIVERY_STATE_SUPERSEDED) == 1


async def test_one_missing_is_not_said_beside_a_price_that_says_it(notification: Notifying) -> None:
    life, pricing = await prices(notification)
    await notification.apply(pricing.near(2, 3))
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    states = await notification.states()
    assert states["PRICE_FELL", "mei"] == "SENT"
    assert states["ONE_MISSING", "mei"] == "SUPERSEDED"
    assert states["ONE_MISSING", "tom"] == "SENT"
    assert life.version == 5


async def test_one_missing_is_not_said_when_the_team_has_changed_since(notification: Notifying) -> None:
    life, pricing = await prices(notification)
    await notification.apply(pricing.near(2, 3))
    life.join("ann")
    await notification.apply(*life.records)
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    assert (await notification.states())["ONE_MISSING", "tom"] == "SUPERSEDED"


async def test_one_missing_in_the_campaign_is_said_whatever_the_team_does_until_a_newer_price(
    notification: Notifying,
) -> None:
    lives = [TeamLife(table=price_table(basis=ladder_pb2.BASIS_CAMPAIGN_UNITS)) for _ in range(2)]
    for life, member in zip(lives, ("mei", "tom"), strict=True):
        await notification.put(life.platform, member)
        life.open(member)
        life.confirm(member)
        life.join("ann")  # the team's version is ahead of the tally's number
        await notification.apply(*life.records, campaign_near(life, 1, 4, 5))
    await notification.apply(campaign_changed(lives[1], 2, 4, 5))
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    states = await notification.states()
    assert states["ONE_MISSING", "mei"] == "SENT"
    assert states["ONE_MISSING", "tom"] == "SUPERSEDED"


async def test_no_price_is_said_of_a_team_that_has_ended(notification: Notifying) -> None:
    life, pricing = await prices(notification)
    life.tip()
    life.form()
    await notification.apply(*life.records, pricing.line("mei", FORMED, unit_price=3490, to_keep=3490, to_refund=500))
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    states = await notification.states()
    assert states["PRICE_FELL", "mei"] == "SUPERSEDED"
    assert states["FORMED", "mei"] == states["TIPPED", "mei"] == "SENT"


async def test_no_price_is_said_to_who_left(notification: Notifying) -> None:
    life, _ = await prices(notification)
    life.leave("mei")
    await notification.apply(*life.records)
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    rows = await notification.rows("SELECT state, reason FROM deliveries WHERE kind = 'PRICE_FELL'")
    assert tuple(rows[0]) == ("SUPERSEDED", "the member left")


async def test_messages_are_really_received_with_a_dead_mail_server_giving_way(notification: Notifying) -> None:
    async with smtp_sink("refuse") as dead, http_sink(Endpoint()) as hook, smtp_sink() as alive:
        life = TeamLife()
        await notification.put(life.platform, "mei", ("email", "mei@example.com"), ("webhook", f"{hook.url}/in"))
        life.open("mei")
        await notification.apply(*life.records)
        http = Http(seconds=5, connections=5, allow_private=True)
        webhook = WebhookChannel(http)
        async with a_sender(
            notification, EmailChannel(f"127.0.0.1:{dead.port}", "a@example.com", seconds=5), webhook
        ) as sender:
            await turn(sender)
        life.hold("tom")
        await notification.put(life.platform, "tom", ("email", "tom@example.com"))
        await notification.apply(*life.records)
        async with a_sender(
            notification, EmailChannel(f"127.0.0.1:{alive.port}", "a@example.com", seconds=5), webhook
        ) as sender:
            await turn(sender)
        assert [asked.json()["member_id"] for asked in hook.asked] == ["mei"]
        assert [taken.to for taken in alive.taken] == ["tom@example.com"]
        await http.close()
    assert await notification.states() == {("JOINED", "mei"): "SENT", ("JOINED", "tom"): "SENT"}
    details = [row[0] for row in await notification.rows("SELECT detail FROM attempts ORDER BY attempted_at")]
    assert not any("@" in detail for detail in details)


async def test_what_a_waitlist_a_reduction_or_a_moved_end_said_is_not_sent_when_it_has_changed_since(
    notification: Notifying,
) -> None:
    life = TeamTurns(minimum=1, maximum=1)
    for member in ("mei", "ann"):
        await notification.put(life.platform, member)
    life.open("mei", quantity=4)
    life.confirm("mei")
    life.wait("ann")
    life.reduce("mei", 1)
    life.reschedule(life.ends_at + timedelta(hours=1))
    life.reduce("mei", 1)
    life.reschedule(life.ends_at - timedelta(hours=2))
    life.release("mei")
    life.lead(None, "mei")
    life.seat_waiting("ann")
    await notification.apply(*life.records)
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    rows = await notification.rows(
        "SELECT kind, member_id, team_version, state, reason FROM deliveries ORDER BY 1, 2, 3"
    )
    assert [tuple(row) for row in rows] == [
        ("JOINED", "mei", 2, "SUPERSEDED", "the seat was given back"),
        ("REDUCED", "mei", 5, "SUPERSEDED", "another part was given back since"),
        ("REDUCED", "mei", 7, "SUPERSEDED", "the seat was given back"),
        ("RESCHEDULED", "ann", 6, "SUPERSEDED", "the end moved again"),
        ("RESCHEDULED", "ann", 8, "SENT", ""),
        ("RESCHEDULED", "mei", 6, "SUPERSEDED", "the end moved again"),
        ("RESCHEDULED", "mei", 8, "SUPERSEDED", "the seat was given back"),
        ("SEAT_FREE", "ann", 11, "SENT", ""),
        ("WAITLISTED", "ann", 4, "SUPERSEDED", "the member waits no longer"),
    ]
