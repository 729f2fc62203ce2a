"""The topics as data (proto/topics.toml), and their creation in Kafka."""

import asyncio
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from services.chassis import kafka_clients
from services.chassis.errors import Unavailable
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity

_DAY_MS = 86_400_000
MOST_COPIES = 3
"""Copies of a partition where nothing else is said, and there are so many brokers."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic."""

    name: str
    owner: str
    envelope: str
    key: str
    partitions: int
    retention: str
    retention_days: int
    consumers: tuple[str, ...]

    def configs(self, replication: int) -> dict[str, str]:
        """Kafka's settings of the topic; of three copies or more, two have a record before it is acknowledged."""
        safe = {"min.insync.replicas": "2"} if replication > 2 else {}  # noqa: PLR2004 - of two, one may be away
        if self.retention == "compact":
            return {"cleanup.policy": "compact", **safe}
        # a segment is deleted whole, once it is closed: of a quiet topic Kafka would close one after a week
        aged = {"retention.ms": str(self.retention_days * _DAY_MS), "segment.ms": str(_DAY_MS)}
        return {"cleanup.policy": "delete", **aged, **safe}


@cache
def topics() -> dict[str, Topic]:
    """Every topic by name."""
    data = tomllib.loads((files("groupbuy") / "topics.toml").read_text())
    rows = {name: {**data["defaults"], **row} for name, row in data["topics"].items()}
    return {name: Topic(name=name, **{**row, "consumers": tuple(row["consumers"])}) for name, row in rows.items()}


def consumed_by(service: str) -> list[str]:
    """Names of the topics a service reads."""
    return [topic.name for topic in topics().values() if service in topic.consumers]


async def create_topics(
    bootstrap: str, *, replication: int | None = None, security: KafkaSecurity = PLAINTEXT
) -> list[str]:
    """Create the topics that are missing and return their names; Unavailable where Kafka does not answer.

    Each has `replication` copies; where that is not said, one on each broker, at most three.
    """
    return await asyncio.to_thread(_create_missing, bootstrap, replication, security)


def _create_missing(bootstrap: str, replication: int | None, security: KafkaSecurity) -> list[str]:
    try:
        admin = kafka_clients.connected(KafkaAdminClient, bootstrap, **security.options)
    except KafkaError as error:
        raise Unavailable(f"Kafka at {bootstrap} does not answer") from error
    try:
        there = set(admin.list_topics())
        missing = [topic for topic in topics().values() if topic.name not in there]
        if not missing:
            return []
        copies = replication or min(MOST_COPIES, len(admin.describe_cluster()["brokers"]))
        return [topic.name for topic in missing if _create(admin, topic, copies)]
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, topic: Topic, replication: int) -> bool:
    try:
        admin.create_topics(
            {
                topic.name: {
                    "num_partitions": topic.partitions,
                    "replication_factor": replication,
                    "configs": topic.configs(replication),
                }
            }
        )
    except TopicAlreadyExistsError:
        return False
    return True
