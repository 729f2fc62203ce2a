"""The contract with the third client, Faust (at least once): an agent sees all events, its table survives a restart."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient

from tests.contract.conftest import Client
from tests.support.brokers import ROOT, BrokerProcess
from tests.support.records import create, read
from tests.support.until import until

TEAMS = ("anna", "boris", "chen")


async def test_an_agent_sees_every_event_and_its_table_comes_back(
    broker: BrokerProcess, admin: KafkaAdminClient, producer: Client, consumer: Client, name: str, tmp_path: Path
) -> None:
    create(admin, name, partitions=2)
    create(admin, f"{name}-results", partitions=2)
    sender, reader = producer(), consumer(f"{name}-results")
    counted: list[tuple[str, int, int]] = []

    def send(first: int, last: int) -> None:
        for sequence in range(first, last + 1):
            for team in TEAMS:
                value = json.dumps({"team": team, "sequence": sequence}).encode()
                sender.send(name, value, key=team.encode())
        sender.flush()

    def see(first: int, last: int) -> None:
        wanted = {(team, sequence) for team in TEAMS for sequence in range(first, last + 1)}
        for record in read(reader, lambda records: wanted <= set(map(_event, records)), f"events {first} to {last}"):
            event = json.loads(record.value)
            counted.append((event["team"], event["sequence"], event["kept"]))

    # Events are sent once the worker is ready: Faust 0.15.3 loses some of those that wait for it while it restores a
    # table, on Apache Kafka as here (it fetches before it has put its positions in place).
    for first, last in ((1, 20), (21, 40)):
        async with _worker(broker, name, tmp_path):
            send(first, last)
            await asyncio.to_thread(see, first, last)

    # Faust may give the agent an event twice; what the table held when it first saw one tells where it went on.
    first_kept = {(team, sequence): kept for team, sequence, kept in reversed(counted)}
    assert first_kept == {(team, sequence): sequence - 1 for team in TEAMS for sequence in range(1, 41)}


def _event(record: Any) -> tuple[str, int]:
    event = json.loads(record.value)
    return event["team"], event["sequence"]


@contextlib.asynccontextmanager
async def _worker(broker: BrokerProcess, name: str, directory: Path) -> AsyncIterator[None]:
    """A worker process for the length of the block; ended as an operator would."""
    log = directory / "worker.log"
    before = len(log.read_text()) if log.exists() else 0
    with log.open("ab") as output:
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.support.faust_counter", broker.bootstrap, name, str(directory)),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=output,
        )
    try:
        await until(lambda: "Worker ready" in log.read_text()[before:])
        yield
        worker.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            await worker.wait()
    except BaseException as error:
        error.add_note(log.read_text()[-4000:])
        raise
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
