"""What rules against abuse cost a batch of joins: `python -m tests.bench.abuse [--batches N]`.

One hot team, batches of 500 joins by one invite, decided in this process on a durable PostgreSQL; the cases take turns.
"""

import argparse
import asyncio
import tempfile
import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from statistics import median
from uuid import UUID

from rich.console import Console

from deploy.local.postgres import LocalPostgres
from services.chassis import ids
from services.chassis.migrations import migrate
from services.team_formation import domain
from services.team_formation.domain import AbuseAction, AbuseRule, Signal
from services.team_formation.handlers import Ask
from tests.support.formation import PLATFORM, Formation, a_campaign, a_formation

JOINS = 500
_HOUR = timedelta(hours=1)


def _rules(action: AbuseAction, limit: int) -> tuple[AbuseRule, ...]:
    return (
        AbuseRule(Signal.SEATS_PER_DEVICE, action, limit, _HOUR),
        AbuseRule(Signal.SEATS_PER_ADDRESS, AbuseAction.FLAG, limit, _HOUR),
        AbuseRule(Signal.OWN_INVITE, action),
        AbuseRule(Signal.JOINS_PER_INVITE, AbuseAction.FLAG, limit, _HOUR),
    )


CASES = {
    "plain": ((), False),
    "tags, no rules": ((), True),
    "all four flag": (_rules(AbuseAction.FLAG, 3), True),
    "devices refuse": (_rules(AbuseAction.REFUSE, 1_000), True),
}


class _Case:
    """A hot team of its own; every join has a device of its own, and one of a hundred addresses."""

    def __init__(self, formation: Formation, team: UUID, campaign: UUID, invite: UUID, *, tagged: bool) -> None:
        self._formation = formation
        self._team, self._campaign, self._invite = team, campaign, invite
        self._tagged = tagged
        self._made = 0

    async def batch(self) -> float:
        """Decide a batch; joins a second."""
        asks = [self._ask() for _ in range(JOINS)]
        started = time.perf_counter()
        answers = await self._formation.handler.decide(asks)
        took = time.perf_counter() - started
        if not all(isinstance(answer, bytes) for answer in answers):
            raise RuntimeError("a join was refused")
        return JOINS / took

    def _ask(self) -> Ask:
        self._made += 1
        number = self._made
        marks = domain.NO_MARKS
        if self._tagged:
            marks = domain.Marks(b"%032d" % number, b"%032d" % (number % 100))
        member = f"member-{number}"
        join = domain.Join(ids.new_id(), member, "mango", 1, invite_id=self._invite, marks=marks)
        key = self._formation.key("JoinTeam", self._campaign)
        return Ask(PLATFORM, self._campaign, join, key, self._team)


async def _case(formation: Formation, rules: tuple[AbuseRule, ...], *, tagged: bool) -> _Case:
    campaign = await formation.create(a_campaign(maximum=1_000_000, abuse_rules=rules))
    team = (await formation.open(campaign)).team.team_id
    invite = await formation.invite(team)
    _, team_id = ids.parse("team", team, 2) or ()
    return _Case(formation, team_id, campaign.campaign_id, invite, tagged=tagged)


async def _measure(batches: int) -> None:
    with tempfile.TemporaryDirectory(prefix="groupbuy-bench-") as folder:
        postgres = LocalPostgres(Path(folder), 0)
        await postgres.start()
        try:
            await migrate(postgres.url, "team_formation")
            async with a_formation(postgres.url) as formation:
                cases = {name: await _case(formation, rules, tagged=tagged) for name, (rules, tagged) in CASES.items()}
                rates: dict[str, list[float]] = defaultdict(list)
                for _ in range(batches):
                    for name, case in cases.items():
                        rates[name].append(await case.batch())
        finally:
            await postgres.stop()
    ratios = {name: median(r / p for r, p in zip(rates[name], rates["plain"], strict=True)) for name in rates}
    console = Console()
    for name, found in rates.items():
        console.print(f"{name:16} {median(found[1:]):8.0f} joins a second  {ratios[name]:.2f} of plain")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=20)
    asyncio.run(_measure(parser.parse_args().batches))


if __name__ == "__main__":
    main()
