"""Every kind of command at once on few teams of few campaigns, on two replicas with small batches: all are answered."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Connection
from services.team_formation import domain
from services.team_formation.domain import CountedIn, LeaveUntil, OnFull, Visibility
from tests.support.crowding import Said, deadlocks, outcome, sweep, violations
from tests.support.formation import Formation, a_campaign

COMMANDS = 1500
CALLERS = 40
LIMITS = {"max_units_per_member": 6, "max_teams_per_member": 3, "max_teams_opened_per_member": 3}
COMMON = {"max_sponsored": 3, "hold_extension": timedelta(minutes=5), "visibility": Visibility.LISTED}


class Fair:
    """Callers who do anything; each command is one call, and what it gives is remembered for those that follow."""

    def __init__(self, replicas: list[Formation], clock: ManualClock, seed: int) -> None:
        self._replicas, self._clock = replicas, clock
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self.campaigns: list[domain.Campaign] = []
        self.teams: list[str] = []
        self.seats: list[Any] = []
        self.answers: Counter[str] = Counter()

    async def begin(self) -> None:
        for rules, more in (
            ({"on_full": OnFull.WAITLIST, **LIMITS}, {"stock": 30}),
            ({"on_full": OnFull.OPEN_TEAM, **COMMON}, {"stock": 500, "leave_until": LeaveUntil.ENDED}),
            ({"on_full": OnFull.WAITLIST, **COMMON}, {"counted_in": CountedIn.UNITS, "leave_until": LeaveUntil.ENDED}),
        ):
            changes: Any = {
                "maximum": 6,
                "rules": rules,
                "latest_end": a_campaign().ends_at + timedelta(days=9),
                **more,
            }
            campaign = await self._replicas[0].create(a_campaign(**changes))
            self.campaigns.append(campaign)
            self.teams.append((await self._replicas[0].open(campaign, "first")).team.team_id)

    async def visit(self, turns: int) -> None:
        """Make some calls, one after the other."""
        for _ in range(turns):
            name, call = self._any()
            answer = await outcome(call)
            self.answers["refused" if isinstance(answer, str) else name] += 1
            self._learn(answer)

    def _any(self) -> tuple[str, Awaitable[Any]]:
        on, team = self._random.choice(self._replicas), self._random.choice(self.teams[-4:] + self.teams[:3])
        kinds: dict[str, tuple[float, Callable[[], Awaitable[Any]]]] = {
            "join": (40, lambda: on.join(team, self._member(), quantity=self._random.randint(1, 3))),
            "open": (6, lambda: on.open(self._random.choice(self.campaigns), self._member())),
            "sponsor": (3, lambda: on.sponsor(team)),
            "invite": (3, lambda: on.on_team("CreateInvite", self._invite(), team)),
            "cancel": (0.5, lambda: on.cancel(team)),
            "host": (3, lambda: on.change(self._random.choice(self.campaigns), self._change())),
            "look": (2, lambda: self._look(on)),
        }
        if self.seats:
            seat = self._random.choice(self.seats[-30:])
            kinds |= {
                "confirm": (14, lambda: on.confirm(seat)),
                "leave": (22, lambda: on.leave(seat, self._random.randint(0, 1))),
                "extend": (3, lambda: on.extend(seat)),
                "default": (3, lambda: on.default(seat)),
            }
        name = self._random.choices(list(kinds), [weight for weight, _ in kinds.values()])[0]
        return name, kinds[name][1]()

    async def _look(self, on: Formation) -> str:
        self._clock.move(timedelta(seconds=self._random.choice((1, 20, 60))))
        await on.finder.run_once()
        await on.sweeper.run_once()
        return "looked"

    def _change(self) -> domain.CampaignCommand:
        return self._random.choice(
            (
                domain.ReleaseUnits("mango", 2),
                domain.Pause(),
                domain.Resume(),
                domain.Resume(),
                domain.ExtendBy(timedelta(seconds=5)),
            )
        )

    def _invite(self) -> domain.NewInvite:
        return domain.NewInvite(ids.new_id(), "", "promoter-1", "wechat", "", "", None)

    def _member(self) -> str:
        return f"member-{self._random.randint(0, 25)}"

    def _learn(self, answer: Any) -> None:
        if hasattr(answer, "seat") and answer.seat.seat_id:
            self.seats.append(answer.seat)
        if hasattr(answer, "team") and answer.team.team_id not in self.teams:
            self.teams.append(answer.team.team_id)


@pytest.mark.parametrize("seed", [1, 2])
async def test_mixed_commands(
    replicas: list[Formation],
    clock: ManualClock,
    seed: int,
    counts: Callable[..., None],
    said: Said,
) -> None:
    fair = Fair(replicas, clock, seed)
    await fair.begin()
    await asyncio.gather(*(fair.visit(COMMANDS // CALLERS // 2) for _ in range(CALLERS)))
    assert await violations(replicas[0]) == {}
    await asyncio.gather(*(fair.visit(COMMANDS // CALLERS // 2) for _ in range(CALLERS)))
    assert await violations(replicas[0]) == {}
    for campaign in fair.campaigns:
        await outcome(replicas[0].change(campaign, domain.GiveUp(formed_too=seed == 1)))
    await sweep(replicas[1])
    open_teams = "SELECT count(*) FROM teams WHERE state IN ('FORMING', 'TIPPED')"
    assert await replicas[0].rows(open_teams) == [(0,)]
    assert deadlocks(said) == []
    assert await violations(replicas[0]) == {}
    counts(commands=sum(fair.answers.values()), deadlocks=0, **dict(sorted(fair.answers.items())))


async def test_a_deadlock_would_be_noticed(formation: Formation, said: Said) -> None:
    """Two batches lock the same two things in another order, once."""
    both, tries = asyncio.Barrier(2), Counter[int]()

    def batch_of(first: int, second: int) -> Coalescer[str, bytes]:
        async def decide(batch: Sequence[str]) -> Sequence[bytes]:
            tries[first] += 1
            async with formation.database.work() as work:
                await lock(work.connection, first)
                if tries[first] == 1:
                    await both.wait()
                await lock(work.connection, second)
            return [b""] * len(batch)

        return Coalescer("teams", decide)

    async def lock(connection: Connection, key: int) -> None:
        await (await connection.execute("SELECT pg_advisory_xact_lock(%s)", (key,))).fetchall()

    queues = [batch_of(1, 2), batch_of(2, 1)]
    answers = [asyncio.create_task(queue.submit("")) for queue in queues]
    await asyncio.sleep(0)
    await asyncio.gather(*(queue.run_once() for queue in queues))
    assert await asyncio.gather(*answers) == [b"", b""]
    assert len(deadlocks(said)) == 1
