"""A crowd that opens, joins, confirms and leaves through the public API, and remembers every acknowledgement.

Callers behave as the API asks: on UNAVAILABLE (or a lost connection) they send the very same call again, with the same
request id, until it is answered. Where there are several replicas, each call goes to one of them, and its repetition to
the next: a call that one has decided and not answered is asked again at another.
"""

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

RETRIED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
PATIENCE_SECONDS = 120.0
CALL_SECONDS = 10.0
POLICY = (Path(__file__).parents[2] / "proto" / "client_policy.json").read_text()
"""The policy that clients are given, a gRPC service config."""

_ANSWERS = {"OpenTeam": pb.OpenTeamResponse, "JoinTeam": pb.JoinTeamResponse, "ConfirmSeat": pb.ConfirmSeatResponse}


@dataclass
class Crowd:
    """Members of one platform; `acknowledged` keeps every answered call with its answer."""

    address: str
    key: str
    seed: int = 7
    service_config: str = ""
    """How gRPC balances and sends again, by itself."""
    others: tuple[str, ...] = ()
    """More replicas that answer the same calls."""
    acknowledged: list[tuple[str, Any, Any]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    calls: int = 0
    waited: int = 0
    """Members who were put on a waitlist."""
    under_way: dict[str, str] = field(default_factory=dict)
    """Request ids that are sent and not answered, with the address they were sent to."""
    answered_by: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a repeatable crowd, no secret
        self._numbers = itertools.count()
        self._regulars = [f"regular-{number}" for number in range(400)]
        options: list[tuple[str, int | str]] = [
            ("grpc.max_reconnect_backoff_ms", 500),
            ("grpc.initial_reconnect_backoff_ms", 100),
        ]
        if self.service_config:
            options.append(("grpc.service_config", self.service_config))
        self._addresses = [self.address, *self.others]
        self._channels = [grpc.aio.insecure_channel(address, options=options) for address in self._addresses]
        self._stubs: list[Any] = [TeamFormationStub(channel) for channel in self._channels]
        self._awake = asyncio.Event()
        self._awake.set()

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            await channel.close()

    async def call(self, method: str, request: Any) -> Any:
        """Make a call until it is answered; None for a refusal."""
        await self._awake.wait()
        ends = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        first = self._random.randrange(len(self._stubs))
        for at in itertools.islice(itertools.cycle(range(len(self._stubs))), first, None):
            self.calls += 1
            try:
                answer = await self._send(at, method, request)
            except grpc.aio.AioRpcError as error:
                if error.code() not in RETRIED:
                    self.refused[error.code().name] += 1
                    return None
                if asyncio.get_running_loop().time() > ends:
                    raise AssertionError(f"{method} was not answered within {PATIENCE_SECONDS} s: {error}") from error
                self.retries += 1
                await asyncio.sleep(0.05)
            else:
                if method in _ANSWERS:
                    self.acknowledged.append((method, request, answer))
                return answer
        return None

    async def _send(self, at: int, method: str, request: Any) -> Any:
        self.under_way[request.request_id] = self._addresses[at]
        try:
            answer = await getattr(self._stubs[at], method)(request, metadata=self._metadata(), timeout=CALL_SECONDS)
        finally:
            del self.under_way[request.request_id]
        self.answered_by[self._addresses[at]] += 1
        return answer

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.key}"),)

    def request_id(self) -> str:
        """Make a new request id."""
        return f"crowd-{self.seed}-{next(self._numbers)}"

    async def campaign(
        self,
        maximum: int = 20,
        mode: int = types_pb2.PAYMENT_MODE_PREPAID,
        hold: float = 600,
        *,
        scarce: bool = False,
    ) -> str:
        """Create a campaign and give its id; a scarce one has stock, limits and a waitlist."""
        request = a_campaign(self.request_id(), maximum, mode, hold)
        if scarce:
            make_scarce(request)
        return str((await self.call("CreateCampaign", request)).campaign.campaign_id)

    async def live(self, campaign_id: str, teams: int, stop: asyncio.Event) -> None:
        """Open teams and fill them, with some who leave, until told to stop."""
        await asyncio.gather(*(self._fill(campaign_id, stop) for _ in range(teams)))

    async def _fill(self, campaign_id: str, stop: asyncio.Event) -> None:
        while not stop.is_set():
            member = self._member()
            request = pb.OpenTeamRequest(request_id=self.request_id(), campaign_id=campaign_id, member_id=member)
            opened = await self.call("OpenTeam", request)
            if opened is None:
                return
            await self._confirm(opened.seat)
            unpaid: list[types_pb2.Seat] = []
            while not stop.is_set() and await self._join(opened.team.team_id, unpaid):
                pass

    async def _join(self, team_id: str, unpaid: list[types_pb2.Seat]) -> bool:
        """Join and mostly pay; who has not paid makes way for who waits. Tells whether the team goes on."""
        member = self._random.choice(self._regulars) if self._random.random() < 0.3 else self._member()
        request = pb.JoinTeamRequest(request_id=self.request_id(), team_id=team_id, member_id=member)
        joined = await self.call("JoinTeam", request)
        if joined is None:
            return False
        if joined.outcome == pb.JOIN_OUTCOME_WAITLISTED:
            self.waited += 1
            if unpaid:
                await self._leave(unpaid.pop())
            return bool(unpaid)
        chance = self._random.random()
        if chance < 0.1:
            await self._leave(joined.seat)
            return True
        if chance < 0.25:
            unpaid.append(joined.seat)
            return True
        confirmed = await self._confirm(joined.seat)
        return bool(confirmed and confirmed.team.state != types_pb2.TEAM_STATE_FORMED)

    async def _leave(self, seat: types_pb2.Seat) -> None:
        await self.call("LeaveTeam", pb.LeaveTeamRequest(request_id=self.request_id(), seat_id=seat.seat_id))

    async def _confirm(self, seat: types_pb2.Seat) -> Any:
        request_id = self.request_id()
        request = pb.ConfirmSeatRequest(
            request_id=request_id,
            seat_id=seat.seat_id,
            amount=Money(minor_units=seat.cap.minor_units * seat.quantity, currency=seat.cap.currency),
            payment_reference=f"pay-{request_id}",
        )
        return await self.call("ConfirmSeat", request)

    def _member(self) -> str:
        return f"member-{self.seed}-{next(self._numbers)}"

    async def more(self, count: int, living: "asyncio.Task[None]", address: str = "") -> None:
        """Wait until the crowd that lives in a task has that many more answers, from one replica where it is named."""

        def answers() -> int:
            return self.answered_by[address] if address else len(self.acknowledged)

        wanted = answers() + count
        while answers() < wanted:
            assert not living.done(), "the crowd has stopped"
            await asyncio.sleep(0.01)

    def rest(self) -> None:
        """Begin no call until `wake`; those that are not answered yet go on being repeated."""
        self._awake.clear()

    def wake(self) -> None:
        """Go on."""
        self._awake.set()

    async def changed_answers(self) -> list[str]:
        """Send every acknowledged call once more; gives the request ids whose answer is another now."""
        acknowledged, self.acknowledged = self.acknowledged, []
        limit = asyncio.Semaphore(64)

        async def again(method: str, request: Any, answer: Any) -> str:
            async with limit:
                return "" if await self.call(method, request) == answer else str(request.request_id)

        changed = await asyncio.gather(*(again(*item) for item in acknowledged))
        self.acknowledged = acknowledged
        return [request_id for request_id in changed if request_id]

    def seats(self) -> list[str]:
        """Ids of the seats that were acknowledged: one of each call that took one."""
        return [answer.seat.seat_id for method, _, answer in self.acknowledged if method != "ConfirmSeat"]

    def confirmed(self) -> list[str]:
        """Ids of the seats whose confirmation was acknowledged."""
        found = [answer for method, _, answer in self.acknowledged if method == "ConfirmSeat"]
        return [answer.seat.seat_id for answer in found if answer.outcome == pb.CONFIRM_OUTCOME_CONFIRMED]


def a_campaign(request_id: str, maximum: int, mode: int, hold: float) -> pb.CreateCampaignRequest:
    """Make a request for a campaign of mangoes with minimum 4."""

    def fixed(threshold: int, price: int) -> ladder_pb2.Tier:
        return ladder_pb2.Tier(threshold=threshold, discounts=[ladder_pb2.Discount(fixed_price=price)])

    request = pb.CreateCampaignRequest(
        request_id=request_id,
        merchant_id="merchant-7",
        currency="EUR",
        items=[types_pb2.Item(sku="mango", list_price=Money(minor_units=3990, currency="EUR"))],
        ladder=ladder_pb2.Ladder(
            basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=[fixed(2, 3490), fixed(3, 2990), fixed(5, 2490)]
        ),
        rules=types_pb2.Rules(payment_mode=mode, minimum=4, maximum=maximum),  # type: ignore[arg-type]  # an enum's number
        presentation=types_pb2.Presentation(
            texts=[types_pb2.LocalizedText(language="en", title="Mangoes")], seller="Fruit Shop", time_zone="UTC"
        ),
    )
    request.ends_at.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    request.rules.hold_lifetime.FromTimedelta(timedelta(seconds=hold))
    request.rules.team_lifetime.FromTimedelta(timedelta(minutes=30))
    return request


def make_scarce(request: pb.CreateCampaignRequest) -> None:
    """Give a campaign stock, limits, a waitlist and a list, so that a join takes every lock there is."""
    request.items[0].stock = 100_000
    rules = request.rules
    rules.on_full, rules.max_waiting = types_pb2.ON_FULL_WAITLIST, 10
    rules.max_units_per_member, rules.max_teams_per_member, rules.max_teams_opened_per_member = 3, 3, 2
    rules.visibility = types_pb2.VISIBILITY_LISTED
