"""Many members arrive at once: each joins and pays by calls of its own, while a part of the engine may be killed."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from groupbuy.team_formation.v1.team_formation_service_pb2 import JoinTeamRequest
from groupbuy.team_formation.v1.types_pb2 import Seat

from deploy.demo.actor import Refused, Shop
from deploy.demo.scene.model import Crowd
from deploy.local.stack.supervisor import together

_REPORT_SECONDS = 0.5


@dataclass
class CrowdResult:
    """What became of a crowd; times by the demo's monotonic clock."""

    size: int
    began: float
    seats: dict[str, Seat] = field(default_factory=dict)
    """The seat that each member was told to have."""
    refused: Counter[str] = field(default_factory=Counter)
    answered: float = 0.0
    """When the last JoinTeam was answered."""
    retries: int = 0
    killed_at_seat: int = 0
    killed: float = 0.0
    back: float = 0.0

    @property
    def join_seconds(self) -> float:
        """From the first JoinTeam sent to the last one answered."""
        return self.answered - self.began

    @property
    def away_seconds(self) -> float:
        """How long the killed part was away."""
        return self.back - self.killed if self.back else 0.0


class CrowdRun:
    """Lets one crowd arrive. `pay` confirms a seat; `kill` ends a part and returns what waits for its return."""

    def __init__(
        self,
        shop: Shop,
        step: Crowd,
        pay: Callable[[Seat], Awaitable[object]],
        kill: Callable[[str], Awaitable[None]],
        progress: Callable[[CrowdResult], None],
    ) -> None:
        self._shop = shop
        self._step = step
        self._pay = pay
        self._kill = kill
        self._progress = progress
        self._killing: asyncio.Task[None] | None = None
        self.result = CrowdResult(step.size, perf_counter())

    async def run(self, members: Sequence[str], code: str) -> CrowdResult:
        """Return when every member has an answer and every seat is paid."""
        self.result.began = perf_counter()
        retries = self._shop.retries
        chance = random.Random(self._step.size)  # noqa: S311 - the same crowd each time
        reporting = asyncio.create_task(self._report())
        try:
            await together(*(self._arrive(member, code, chance.uniform(0, self._step.within)) for member in members))
            if self._killing:
                await self._killing
        finally:
            reporting.cancel()
        self.result.retries = self._shop.retries - retries
        return self.result

    async def _arrive(self, member: str, code: str, after: float) -> None:
        await asyncio.sleep(after)
        try:
            answer = await self._shop.ask(
                self._shop.teams.JoinTeam, JoinTeamRequest(invite_code=code, member_id=member)
            )
        except Refused as refused:
            self.result.refused[refused.reason] += 1
            self.result.answered = perf_counter()
            return
        self.result.seats[member] = answer.seat
        self.result.answered = perf_counter()
        if self._step.kill and len(self.result.seats) == self._step.at_seat:
            self._pull_plug()
        await self._pay(answer.seat)

    def _pull_plug(self) -> None:
        self.result.killed_at_seat = len(self.result.seats)
        self.result.killed = perf_counter()
        self._killing = asyncio.create_task(self._until_back(self._kill(self._step.kill)))

    async def _until_back(self, back: Awaitable[None]) -> None:
        await back
        self.result.back = perf_counter()

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            self._progress(self.result)
