"""The topics as data (proto/topics.toml), and their creation in Kafka."""

import asyncio
import tomllib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from services.chassis import kafka_clients
from services.chassis.errors import Unavailable
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity

MOST_COPIES = 3
"""Of each record, where nothing else is said: with two that must have it, any one broker may be away."""
_DAY_MS = 86_400_000


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


def used_by(services: Collection[str]) -> set[str]:
    """Names of the topics that one of some services writes or reads."""
    return {topic.name for topic in topics().values() if {topic.owner, *topic.consumers}.intersection(services)}


def group_of(service: str) -> str:
    """Name the group of consumers that a service's processes are members of."""
    return f"groupbuy-{service}"


async def create_topics(
    bootstrap: str, *, replication: int | None = None, security: KafkaSecurity = PLAINTEXT
) -> list[str]:
    """Create the topics that are missing and return their names; Unavailable where Kafka does not answer.

    Each record has as many copies as `replication` says; as there are brokers now, at most 3, where it says nothing.
    """
    return await asyncio.to_thread(_create_missing, bootstrap, replication, security)


async def missing_topics(bootstrap: str, security: KafkaSecurity = PLAINTEXT) -> list[str]:
    """Name the topics that are not there; Unavailable where Kafka does not answer."""

    def ask() -> list[str]:
        with _administrator(bootstrap, security) as admin:
            return [topic.name for topic in _missing(admin)]

    return await asyncio.to_thread(ask)


def _create_missing(bootstrap: str, replication: int | None, security: KafkaSecurity) -> list[str]:
    with _administrator(bootstrap, security) as admin:
        copies = replication or min(len(admin.describe_cluster()["brokers"]), MOST_COPIES)
        return [topic.name for topic in _missing(admin) if _create(admin, topic, copies)]


@contextmanager
def _administrator(bootstrap: str, security: KafkaSecurity) -> Iterator[KafkaAdminClient]:
    try:
        admin = kafka_clients.connected(KafkaAdminClient, bootstrap, **security.options)
    except KafkaError as error:
        raise Unavailable(f"Kafka at {bootstrap} does not answer") from error
    try:
        yield admin
    finally:
        admin.close()


def _missing(admin: KafkaAdminClient) -> list[Topic]:
    there = set(admin.list_topics())
    return [topic for topic in topics().values() if topic.name not in there]


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
