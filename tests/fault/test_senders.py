"""kill -9 of the sender while members are told: all arrives, and what comes twice is as docs/channels.md says.

A sender dies between the call and its record; the claim runs out and the message is sent again. Each channel's sink
counts by what the service would tell messages apart by, or by the text where it has nothing.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from groupbuy.notification.v1 import channels_pb2, notification_service_pb2, platform_webhooks_pb2
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.check.runner import wait_for_checks
from deploy.local.stack import Stack, StackOptions
from services.chassis.database import Database, database_url
from services.notification.testing.http_sink import Answer, HttpSink, Request, http_sink
from tests.support.crowd import a_campaign
from tests.support.sinks import SmtpSink, smtp_sink
from tests.support.until import until

KILLS = 8
TEAM = 240
SLOW_SECONDS = 0.25
"""Of each sink's answer, so that there are attempts under way at any moment."""
CHANNELS = ("webhook", "email", "telegram")
TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"

Figures = Callable[[str], None]


@dataclass
class Arrived:
    """What came at the sinks, by channel and what tells messages apart."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in (*CHANNELS, "events")})

    def http(self, request: Request) -> Answer:
        """Take a request of any of the three HTTP sinks."""
        if request.path.startswith("/members/"):
            self.counts["webhook"][request.headers["idempotency-key"]] += 1
        elif request.path == "/events":
            self.counts["events"][request.headers["webhook-id"]] += 1
        else:
            said = request.json()
            self.counts["telegram"][f"{said['chat_id']} {said['text']}"] += 1
        return Answer(200, {"ok": True, "result": {"message_id": 1}}, after=SLOW_SECONDS)

    def mails(self, sink: SmtpSink) -> None:
        """Count the mails by their Message-ID."""
        self.counts["email"] = Counter(str(mail["Message-ID"]) for mail in sink.mails)


@dataclass
class Sinks:
    """Where messages go."""

    http: HttpSink
    mail: SmtpSink
    arrived: Arrived


@asynccontextmanager
async def sinks() -> AsyncIterator[Sinks]:
    arrived = Arrived()
    async with http_sink(arrived.http) as http, smtp_sink() as mail:
        yield Sinks(http, mail, arrived)


@asynccontextmanager
async def a_stack(folder: Path, ports: dict[str, int], where: Sinks) -> AsyncIterator[Stack]:
    environment = {
        **os.environ,
        "GROUPBUY_SMTP": f"127.0.0.1:{where.mail.port}",
        "GROUPBUY_WEBHOOK_PRIVATE_ADDRESSES": "allow",
        "GROUPBUY_SEND_SECONDS": "1",  # a claim of a dead sender runs out in 32 seconds
    }
    running = Stack(StackOptions(data=folder / "data", ports=ports, environment=environment, max_deaths=50), say=print)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


class Shop:
    """A platform that registers members and fills a team."""

    def __init__(self, stack: Stack) -> None:
        self._metadata = (("authorization", f"Bearer {stack.key}"),)
        self._teams_channel = grpc.aio.insecure_channel(stack.address("team_formation"))
        self._messages_channel = grpc.aio.insecure_channel(stack.address("notification"))
        self._teams: Any = TeamFormationStub(self._teams_channel)
        self._messages: Any = NotificationStub(self._messages_channel)
        self._number = 0
        self.confirmed = 0

    async def ask(self, method: Any, request: Any) -> Any:
        self._number += 1
        request.request_id = f"r-{self._number}"
        return await method(request, metadata=self._metadata, timeout=30, wait_for_ready=True)

    async def set_up(self, where: Sinks) -> None:
        """Register the accounts, the shop's own endpoint, and every member on a channel of its turn."""
        settings = {"token": TOKEN, "base_url": where.http.url}
        put = channels_pb2.PutChannelRequest(channel="telegram", settings=settings)
        await self.ask(self._messages.PutChannel, put)
        endpoint = platform_webhooks_pb2.WebhookEndpoint(url=f"{where.http.url}/events", types=["team.*"])
        await self.ask(
            self._messages.PutWebhookEndpoint, platform_webhooks_pb2.PutWebhookEndpointRequest(endpoint=endpoint)
        )
        for number in range(TEAM):
            channel = CHANNELS[number % len(CHANNELS)]
            address = {
                "webhook": f"{where.http.url}/members/{number}",
                "email": f"m{number}@members.example",
                "telegram": f"{10**6 + number}",
            }[channel]
            points = [notification_service_pb2.ContactPoint(channel=channel, address=address)]
            member = notification_service_pb2.Member(member_id=f"m{number}", language="en", contact_points=points)
            await self.ask(self._messages.PutMember, notification_service_pb2.PutMemberRequest(member=member))

    async def fill(self) -> None:
        """Open a team and let members join and confirm, one after the other, until it is full and forms."""
        campaign = (
            await self.ask(self._teams.CreateCampaign, a_campaign("c", TEAM, types_pb2.PAYMENT_MODE_PREPAID, 900))
        ).campaign
        opening = pb.OpenTeamRequest(campaign_id=campaign.campaign_id, member_id="m0", sku="mango", quantity=1)
        opened = await self.ask(self._teams.OpenTeam, opening)
        await self._confirm(opened.seat)
        inviting = pb.CreateInviteRequest(team_id=opened.team.team_id, member_id="m0", channel="link")
        code = (await self.ask(self._teams.CreateInvite, inviting)).invite.code
        for number in range(1, TEAM):
            joining = pb.JoinTeamRequest(invite_code=code, member_id=f"m{number}", sku="mango", quantity=1)
            await self._confirm((await self.ask(self._teams.JoinTeam, joining)).seat)

    async def reaches(self, confirmed: int, filling: "asyncio.Task[None]") -> None:
        """Wait until so many members are confirmed, or all."""
        await until(lambda: self.confirmed >= confirmed or filling.done())

    async def _confirm(self, seat: types_pb2.Seat) -> None:
        paid = pb.ConfirmSeatRequest(seat_id=seat.seat_id, amount=seat.cap, payment_reference=seat.seat_id)
        await self.ask(self._teams.ConfirmSeat, paid)
        self.confirmed += 1

    async def close(self) -> None:
        for channel in (self._teams_channel, self._messages_channel):
            await channel.close()


@pytest.mark.timeout(300)
async def test_senders_killed_at_random_lose_nothing(
    tmp_path: Path, chosen_ports: dict[str, int], figures: Figures
) -> None:
    chance = random.Random(5)  # noqa: S311 - no secret
    async with sinks() as where, a_stack(tmp_path, chosen_ports, where) as stack:
        shop = Shop(stack)
        await shop.set_up(where)
        filling = asyncio.create_task(shop.fill())
        for number in range(1, KILLS + 1):
            await shop.reaches(number * TEAM // (KILLS - 2), filling)  # the last ones come while the end is told
            await asyncio.sleep(chance.uniform(0, 0.2))
            stack.kill("notification")
            await stack.wait_ready("notification")
        await filling
        database = Database(database_url(stack.database_url, "notification"), pool_size=2)
        await database.start()
        try:
            await until(lambda: _all_ended(database), seconds=150)
            figures(await _told(database, where))
        finally:
            await database.stop()
        results = await wait_for_checks(stack.database_url, 60)
        assert [(result.name, result.examples) for result in results if result.violations] == []
        await shop.close()


async def _all_ended(database: Database) -> bool:
    """Tell whether every member was told that the team has formed, and nothing waits."""
    async with database.read() as connection:
        cursor = await connection.execute(
            "SELECT (SELECT count(*) FROM deliveries WHERE state = 'PENDING'),"
            " (SELECT count(*) FROM webhook_posts WHERE state = 'PENDING'),"
            " (SELECT count(DISTINCT member_id) FROM deliveries WHERE kind = 'FORMED')"
        )
        [found] = await cursor.fetchall()
    return tuple(found) == (0, 0, TEAM)


async def _told(database: Database, where: Sinks) -> str:
    """Hold what is recorded against what came, and give the figures."""
    where.arrived.mails(where.mail)
    counts = where.arrived.counts
    async with database.read() as connection:
        sent = await (
            await connection.execute("SELECT channel, delivery_id::text FROM deliveries WHERE state = 'SENT'")
        ).fetchall()
        others = await (
            await connection.execute("SELECT state, count(*) FROM deliveries WHERE state <> 'SENT' GROUP BY state")
        ).fetchall()
        events = await (
            await connection.execute(
                "SELECT e.event_id::text FROM webhook_posts JOIN platform_events AS e USING (platform_id, position)"
                " WHERE state = 'TAKEN'"
            )
        ).fetchall()
        twice = await (
            await connection.execute(
                "SELECT count(*) FROM (SELECT FROM attempts WHERE outcome = 'sent'"
                " GROUP BY campaign_id, delivery_id HAVING count(*) > 1) AS more"
            )
        ).fetchall()
    recorded = {name: {key for channel, key in sent if channel == name} for name in CHANNELS}
    assert {state for state, _ in others} <= {"SUPERSEDED"}
    assert recorded["webhook"] <= counts["webhook"].keys(), "recorded as sent, and never came"
    assert recorded["email"] <= {key.strip("<>").partition("@")[0] for key in counts["email"]}
    assert len(recorded["telegram"]) <= len(counts["telegram"])
    assert {row[0] for row in events} == set(counts["events"])
    assert len(events) > 2 * TEAM
    words = [
        f"{name} {sum(found.values())} for {len(found)}, {sum(count > 1 for count in found.values())} more than once"
        for name, found in counts.items()
    ]
    states = ", ".join(f"{count} {state}" for state, count in others)
    return (
        f"senders: {KILLS} kills, {len(sent)} deliveries recorded as sent ({states} besides), lost 0;"
        f" {'; '.join(words)}; recorded as sent twice {twice[0][0]}"
    )
