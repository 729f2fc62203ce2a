"""Three nodes of Apache Kafka that have every record thrice, two of them before it is acknowledged; TLS and SASL."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient

from deploy.local.kafka.node import HOST, new_cluster_id
from services.chassis.kafka_clients import connected
from services.chassis.kafka_security import KafkaSecurity
from services.chassis.tls import RenewedContext, TlsFiles
from services.chassis.topics import topics
from tests.support.authority import Authority
from tests.support.secure_kafka import PASSWORD, USER, SecureKafka

NODES = (1, 2, 3)
PORTS = 3 * len(NODES)
"""How many a cluster needs: they must stay its own while a node is away."""
_COPIES = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    # a test does not wait half a minute for a follower that is gone
    "replica.lag.time.max.ms": "5000",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1500",
}


class ClusterNode(SecureKafka):
    """One of several nodes: broker and controller, with a small heap."""

    jvm = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

    def __init__(self, number: int, data: Path, files: TlsFiles, cluster: str, ports: Sequence[int]) -> None:
        super().__init__(data, files)
        self.number = number
        self._cluster = cluster
        self._controllers = dict(zip(NODES, ports, strict=False))
        self.port, self._brokers_port = ports[len(NODES) + 2 * (number - 1) :][:2]

    def _write_properties(self) -> Path:
        path = super()._write_properties()
        own = dict(line.split("=", 1) for line in path.read_text().splitlines() if line and line[0] != "#")
        voters = ",".join(f"{number}@{HOST}:{port}" for number, port in self._controllers.items())
        listeners = f"CLIENTS://{HOST}:{self.port},BROKERS://{HOST}:{self._brokers_port}"
        own |= _COPIES | {
            "node.id": str(self.number),
            "controller.quorum.voters": voters,
            "advertised.listeners": listeners,
            "listeners": f"{listeners},CONTROLLER://{HOST}:{self._controllers[self.number]}",
        }
        path.write_text("\n".join(f"{key}={value}" for key, value in own.items()))
        return path

    def _cluster_id(self) -> str:
        return self._cluster


class KafkaCluster:
    """The nodes by number, and how clients reach them."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        authority, cluster = Authority("kafka"), new_cluster_id()
        self.files = authority.write(folder, "client")
        files = {number: authority.write(folder, f"broker-{number}") for number in NODES}
        self.nodes = {
            number: ClusterNode(number, folder / f"kafka-{number}", files[number], cluster, ports) for number in NODES
        }

    @property
    def bootstrap(self) -> str:
        """Every node."""
        return ",".join(node.bootstrap for node in self.nodes.values())

    @property
    def security(self) -> KafkaSecurity:
        """How the nodes are reached."""
        return KafkaSecurity(RenewedContext.client(self.files), USER, PASSWORD)

    async def led_most(self) -> int:
        """Tell the node that leads most partitions of the services' topics."""
        leaders = Counter(int(partition["leader_id"]) for partition in await self._partitions())
        return leaders.most_common(1)[0][0]

    async def copies(self) -> set[int]:
        """Tell how many copies the partitions of the services' topics are to have."""
        return {len(partition["replica_nodes"]) for partition in await self._partitions()}

    async def whole(self) -> bool:
        """Tell whether every node is in step with every partition again."""
        return all(len(partition["isr_nodes"]) == len(NODES) for partition in await self._partitions())

    async def _partitions(self) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self._described)

    def _described(self) -> list[dict[str, Any]]:
        admin = connected(KafkaAdminClient, self.bootstrap, **self.security.options)
        try:
            return [partition for topic in admin.describe_topics(list(topics())) for partition in topic["partitions"]]
        finally:
            admin.close()

    @property
    def environment(self) -> dict[str, str]:
        """The same in the words of the services' settings."""
        return {
            "GROUPBUY_KAFKA": self.bootstrap,
            "GROUPBUY_KAFKA_TLS": "on",
            "GROUPBUY_KAFKA_CA": self.files.authorities,
            "GROUPBUY_KAFKA_CERTIFICATE": self.files.certificate,
            "GROUPBUY_KAFKA_KEY": self.files.key,
            "GROUPBUY_KAFKA_USER": USER,
            "GROUPBUY_KAFKA_PASSWORD": PASSWORD,
        }


@asynccontextmanager
async def a_kafka_cluster(folder: Path, ports: Sequence[int]) -> AsyncIterator[KafkaCluster]:
    """Start the nodes side by side: none answers before most are there."""
    cluster = KafkaCluster(folder, ports)
    try:
        await asyncio.gather(*(node.start() for node in cluster.nodes.values()))
        yield cluster
    finally:
        await asyncio.gather(*(node.kill() for node in cluster.nodes.values()))
