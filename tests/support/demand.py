"""Demand in tests: tallies whose truth stands in SQL, and workers that are added, removed and killed."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from groupbuy.pricing.v1 import events_pb2

from deploy.local.sockets import free_port
from services.chassis import ids
from tests.support.brokers import ROOT
from tests.support.until import until

TALLIES = "groupbuy.tally.v1"
DEMAND = "groupbuy.demand.v1"
COUNTED = ("seats_held", "seats_confirmed", "seats_left", "teams_formed")


class Tallies:
    """Adds to campaigns' sums in SQL and gives the tallies that say so."""

    def __init__(self, url: str, campaigns: int, chance: random.Random) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._chance = chance
        self._platform = ids.opaque("plat", uuid4())
        self.campaigns = [uuid4() for _ in range(campaigns)]
        columns = ", ".join(f"{name} bigint NOT NULL DEFAULT 0" for name in COUNTED)
        self._connection.execute(f"CREATE TABLE sums (campaign_id uuid PRIMARY KEY, seq bigint NOT NULL, {columns})")
        for campaign in self.campaigns:
            self._connection.execute("INSERT INTO sums (campaign_id, seq) VALUES (%s, 0)", (campaign,))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @staticmethod
    def name(campaign: UUID) -> str:
        """Write a campaign's id as events do."""
        return ids.opaque("camp", campaign)

    def next(self) -> tuple[bytes, bytes]:
        """Add to a campaign and give its tally: key and value."""
        campaign = self._chance.choice(self.campaigns)
        more = [self._chance.randrange(5) for _ in COUNTED]
        added = ", ".join(f"{name} = {name} + %s" for name in COUNTED)
        row = self._connection.execute(
            f"UPDATE sums SET seq = seq + 1, {added}"  # noqa: S608 - of the names above
            f" WHERE campaign_id = %s RETURNING seq, {', '.join(COUNTED)}",
            (*more, campaign),
        ).fetchone()
        assert row
        key = self.name(campaign)
        return key.encode(), self._tally(campaign, key, row).SerializeToString()

    def sums(self) -> dict[str, tuple[int, ...]]:
        """Read sequence and sums of each campaign that has a tally."""
        names = ", ".join(COUNTED)
        rows = self._connection.execute(f"SELECT campaign_id, seq, {names} FROM sums WHERE seq > 0")  # noqa: S608
        return {ids.opaque("camp", row[0]): tuple(row[1:]) for row in rows}

    def _tally(self, campaign: UUID, key: str, row: Sequence[int]) -> events_pb2.TallyEvent:
        event = events_pb2.TallyEvent(
            event_id=str(ids.derived_id(campaign, row[0])),
            platform_id=self._platform,
            sequence=row[0],
            campaign_id=key,
            campaign_tallied=events_pb2.CampaignTallied(
                totals=events_pb2.CampaignTotals(**dict(zip(COUNTED, row[1:], strict=True)))
            ),
        )
        event.occurred_at.GetCurrentTime()
        return event


@dataclass
class DemandWorkers:
    """Workers of one group, each with a folder of its own."""

    bootstrap: str
    folder: Path
    running: list["DemandWorker"] = field(default_factory=list)
    made: int = 0
    revived: int = 0

    async def add(self) -> None:
        """Start one more, and wait until it counts."""
        self.made += 1
        worker = DemandWorker(self.bootstrap, self.folder / f"worker-{self.made}")
        await worker.start()
        self.running.append(worker)

    async def remove(self, worker: "DemandWorker", signum: signal.Signals) -> None:
        """End one by a signal, and wait until it has ended."""
        self.running.remove(worker)
        await worker.end(signum)

    async def revive(self) -> int:
        """Start those again that ended by themselves, as whoever supervises them does; how many they were."""
        ended = [worker for worker in self.running if worker.ended]
        for worker in ended:
            await worker.start()
        return len(ended)

    async def again(self, worker: "DemandWorker") -> None:
        """Kill one and start it with the folder that it had."""
        await worker.end(signal.SIGKILL)
        await worker.start()

    async def end(self) -> None:
        """Kill them all."""
        for worker in list(self.running):
            await self.remove(worker, signal.SIGKILL)

    def logs(self) -> str:
        """The end of all that they wrote."""
        return "\n".join(f"== {path.name}\n{path.read_text()[-20000:]}" for path in sorted(self.folder.glob("*.log")))


class DemandWorker:
    """One worker, as an operator starts it."""

    def __init__(self, bootstrap: str, store: Path) -> None:
        self._store = store
        self._ops = free_port()
        self._environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}",
            "GROUPBUY_DATABASE_URL": "postgresql://nobody@127.0.0.1:1",
            "GROUPBUY_KAFKA": bootstrap,
            "GROUPBUY_LISTEN": "127.0.0.1:0",
            "GROUPBUY_TEAM_FORMATION": "127.0.0.1:1",
            "GROUPBUY_OPS_LISTEN": f"127.0.0.1:{self._ops}",
            "GROUPBUY_LOG_FORMAT": "text",
            "GROUPBUY_DEMAND_STORE": str(store),
        }
        self._process: Any = None

    @property
    def ended(self) -> bool:
        """Whether its process has ended."""
        return self._process.returncode is not None

    async def start(self) -> None:
        """Start it and wait until it counts."""
        log = self._store.with_suffix(".log")
        before = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.pricing", "demand"),
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=output,
            )

        def counts() -> bool:
            assert self._process.returncode is None, f"ended: {log.read_text()[-4000:]}"
            return " counting " in log.read_text()[before:]

        await until(counts, seconds=60)

    async def end(self, signum: signal.Signals) -> int:
        """Send a signal and wait; the exit code."""
        if not self.ended:
            self._process.send_signal(signum)
        async with asyncio.timeout(40):
            code: int = await self._process.wait()
        return code
