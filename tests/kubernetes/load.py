"""Steady load on all three services: members are made known, open and join teams, pay, and ask what it costs.

What is acknowledged is remembered, to be looked for in the database at the end.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.notification.v1 import notification_service_pb2 as notification_pb2
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.pricing.v1 import pricing_service_pb2 as pricing_pb2
from groupbuy.pricing.v1.pricing_service_pb2_grpc import PricingStub
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from tests.kubernetes.calling import Caller, Count, Way
from tests.support.until import until

CALLERS = {Way.PUBLISHED: 4, Way.OPEN: 4, Way.FRESH: 2}
"""How many call at once, in each way."""
PAUSE_SECONDS = 0.1
"""Between two calls of one caller: load that is steady, on a machine that has to run a cluster besides."""
JOINS = 5
LONGEST_SECONDS = 120.0
"""In so long every way makes some calls, or something is wrong."""
NOT_YET = frozenset({"GetPrice NOT_FOUND"})
"""Refusals that are as they should be: pricing hears of a team a moment after it was opened."""

_STUBS: Mapping[str, Any] = {
    "team_formation": TeamFormationStub,
    "pricing": PricingStub,
    "notification": NotificationStub,
}


@dataclass
class Load:
    """Callers of services at addresses, by the service's name, within one campaign."""

    addresses: Mapping[str, str]
    key: str
    campaign_id: str
    name: str = "load"
    """Distinguishes its request ids from those of other loads."""
    pause: float = PAUSE_SECONDS
    """Seconds between two calls of one caller."""
    seats: list[str] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count()

    async def __aenter__(self) -> Self:
        for way, number in CALLERS.items():
            caller = Caller(way, self.addresses, self.key)
            self.callers.append(caller)
            self._tasks += [asyncio.create_task(self._live(caller)) for _ in range(number)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        for caller in self.callers:
            await caller.close()

    def counts(self) -> dict[Way, Count]:
        """Give what came of the calls so far."""
        self.check()
        return {caller.way: caller.count.copy() for caller in self.callers}

    def check(self) -> None:
        """Raise what ended a caller, if anything did."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def more(self, calls: int) -> None:
        """Wait for so many more calls of each way."""
        wanted = {way: count.calls + calls for way, count in self.counts().items()}
        await until(
            lambda: all(count.calls >= wanted[way] for way, count in self.counts().items()), seconds=LONGEST_SECONDS
        )

    async def _live(self, caller: Caller) -> None:
        while True:
            member = await self._member(caller)
            opened = await self._call(
                caller, "OpenTeam", pb.OpenTeamRequest(campaign_id=self.campaign_id, member_id=member)
            )
            if opened is None:
                continue
            await self._take(caller, opened.seat)
            for _ in range(JOINS):
                joining = pb.JoinTeamRequest(team_id=opened.team.team_id, member_id=await self._member(caller))
                joined = await self._call(caller, "JoinTeam", joining)
                if joined is not None:
                    await self._take(caller, joined.seat)
                asking = pricing_pb2.GetPriceRequest(team_id=opened.team.team_id)
                await self._call(caller, "GetPrice", asking, service="pricing")

    async def _member(self, caller: Caller) -> str:
        name = f"{self.name}-member-{next(self._numbers)}"
        member = notification_pb2.Member(member_id=name, language="en")
        await self._call(caller, "PutMember", notification_pb2.PutMemberRequest(member=member), service="notification")
        return name

    async def _take(self, caller: Caller, seat: types_pb2.Seat) -> None:
        self.seats.append(seat.seat_id)
        amount = Money(minor_units=seat.cap.minor_units * seat.quantity, currency=seat.cap.currency)
        request = pb.ConfirmSeatRequest(
            seat_id=seat.seat_id, amount=amount, payment_reference=f"pay-{seat.seat_id[-24:]}"
        )
        confirmed = await self._call(caller, "ConfirmSeat", request)
        if confirmed is not None and confirmed.outcome == pb.CONFIRM_OUTCOME_CONFIRMED:
            self.confirmed.append(seat.seat_id)

    async def _call(self, caller: Caller, method: str, request: Any, service: str = "team_formation") -> Any:
        await asyncio.sleep(self.pause)
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            request.request_id = f"{self.name}-{next(self._numbers)}"
        return await caller.call(service, _STUBS[service], method, request)


def unexpected(counts: Sequence[Count]) -> dict[str, int]:
    """Give the refusals that a load as this has no reason to get."""
    found: dict[str, int] = {}
    for count in counts:
        for reason, times in count.refused.items():
            if reason not in NOT_YET:
                found[reason] = found.get(reason, 0) + times
    return found
