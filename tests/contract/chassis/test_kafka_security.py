"""The services' own clients at an Apache Kafka that insists on TLS, certificates and SASL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.backlog import Backlog
from services.chassis.errors import Unavailable
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity, Mechanism
from services.chassis.publisher import Publisher
from services.chassis.tls import RenewedContext, TlsFiles
from services.chassis.topics import create_topics, topics
from services.pricing.demand.worker import Worker
from services.pricing.translate.demand import DEMAND_TOPIC
from tests.support.authority import Authority
from tests.support.brokers import require_broker
from tests.support.outbox import TOPIC, told
from tests.support.secure_kafka import PASSWORD, USER, SecureKafka
from tests.support.until import until

OURS, ANOTHERS = Authority("ours"), Authority("another's")


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[SecureKafka]:
    require_broker("apache")
    node = SecureKafka(tmp_path / "kafka", OURS.write(tmp_path, "broker"))
    await node.start()
    yield node
    await node.stop()


def secured(files: TlsFiles, password: str = PASSWORD, mechanism: Mechanism = "SCRAM-SHA-512") -> KafkaSecurity:
    return KafkaSecurity(RenewedContext.client(files), USER, password, mechanism)


async def publish(kafka: SecureKafka, how: KafkaSecurity, key: str) -> None:
    publisher = Publisher(kafka.bootstrap, "secured", security=how, acknowledge_seconds=20)
    try:
        await publisher.publish([told(key, 1)])
    finally:
        await publisher.stop()


async def keys(kafka: SecureKafka, how: KafkaSecurity) -> set[str]:
    return {record.key async for batch in Backlog(kafka.bootstrap, [TOPIC], how).read({}) for record in batch}


@pytest.mark.timeout(300)
async def test_events_go_to_kafka_by_certificate_and_password_alone(kafka: SecureKafka, tmp_path: Path) -> None:
    files = OURS.write(tmp_path, "client")
    assert len(await create_topics(kafka.bootstrap, security=secured(files))) == len(topics())
    await publish(kafka, secured(files), "by-scram")
    await publish(kafka, secured(files, mechanism="PLAIN"), "by-plain")
    strangers = {
        "another password": secured(files, "a-wrong-one"),
        "no certificate": secured(TlsFiles(authorities=files.authorities)),
        "another's certificate": secured(ANOTHERS.write(tmp_path, "stranger")._replace(authorities=files.authorities)),
        "another's brokers": secured(files._replace(authorities=ANOTHERS.write(tmp_path, "other").authorities)),
        "plain": PLAINTEXT,
    }
    tries = (publish(kafka, how, name) for name, how in strangers.items())
    ends = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(end) for end in ends] == [Unavailable] * len(strangers)
    how = secured(files)
    OURS.write(tmp_path, "client")  # the same security goes on with the files as they are now
    await publish(kafka, how, "renewed")
    assert await keys(kafka, how) == {"by-scram", "by-plain", "renewed"}
    await counts_demand(kafka, how, tmp_path / "store")


async def counts_demand(kafka: SecureKafka, how: KafkaSecurity, store: Path) -> None:
    """The stream processor has a Kafka client of its own."""
    worker = Worker(kafka.bootstrap, store, topics()[DEMAND_TOPIC].partitions, security=how)
    running = asyncio.create_task(worker.run())
    await until(worker.ready, seconds=90)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
