"""Wires the demand worker: its folder, its topics, its readiness over HTTP. It needs Kafka alone, no database."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from services.chassis import kafka_clients, logs
from services.chassis.errors import Stop
from services.chassis.kafka_security import KafkaSecurity
from services.chassis.ops import OpsServer
from services.chassis.runner import Part
from services.pricing.demand.worker import APP_ID, Worker
from services.pricing.settings import Settings
from services.pricing.translate.demand import DEMAND_TOPIC, TALLY_TOPIC

RETRY_SECONDS = 1.0

log = logs.logger(__name__)


class Demand:
    """The demand worker as parts of a process."""

    def __init__(self, settings: Settings, *, app_id: str = APP_ID) -> None:
        logs.configure("pricing", settings.log_format, settings.log_level)
        self._settings = settings
        self._app_id = app_id
        self._worker: Worker | None = None
        self._security = settings.kafka_security()
        self._ops = OpsServer(settings.ops_listen, {"demand": self._ready}, settings.listening(settings.ops_tls))

    def parts(self) -> list[Part]:
        """List the parts in the order they start."""
        return [Part("demand", run=self._run), Part("ops", start=self._ops.start, stop=self._ops.stop)]

    async def _ready(self) -> bool:
        return self._worker is not None and await self._worker.ready()

    async def _run(self) -> None:
        kept = self._settings.demand_store
        store = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="groupbuy-demand-"))
        try:
            partitions = await self._partitions()
            await self._count(store, partitions)
        finally:
            if not kept:
                shutil.rmtree(store, ignore_errors=True)

    async def _count(self, store: Path, partitions: int) -> None:
        running = _prepare(store)
        self._worker = Worker(self._settings.kafka, store, partitions, app_id=self._app_id, security=self._security)
        try:
            await self._worker.run()
        except asyncio.CancelledError:
            running.unlink(missing_ok=True)
            raise

    async def _partitions(self) -> int:
        """Tell how many partitions the topics have; Stop where they differ, or one is not there."""
        while True:
            try:
                found = await asyncio.to_thread(_count_partitions, self._settings.kafka, self._security)
            except KafkaError as error:
                log.warning("demand waits for Kafka", why=type(error).__name__, retry_in_seconds=RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return _checked(found)


def _prepare(store: Path) -> Path:
    """Make the folder ready and mark it as in use; give the mark.

    After a crash the table's copy may be ahead of Kafka, for good: it is thrown away and restored from there.
    """
    running = store / "running"
    if running.exists():
        log.warning("the worker before ended by a crash; its copy of the table is made anew", store=str(store))
        shutil.rmtree(store)
    store.mkdir(parents=True, exist_ok=True)
    running.touch()
    return running


def _checked(found: dict[str, int]) -> int:
    missing = [name for name in (TALLY_TOPIC, DEMAND_TOPIC) if not found.get(name)]
    if missing:
        raise Stop(f"Kafka has no topic {' and no '.join(missing)}: create it as proto/topics.toml says")
    if found[TALLY_TOPIC] != found[DEMAND_TOPIC]:
        raise Stop(
            f"{TALLY_TOPIC} has {found[TALLY_TOPIC]} partitions and {DEMAND_TOPIC} {found[DEMAND_TOPIC]}:"
            f" delete {DEMAND_TOPIC}, which is counted anew, and create it with {found[TALLY_TOPIC]}"
        )
    return found[TALLY_TOPIC]


def _count_partitions(bootstrap: str, security: KafkaSecurity) -> dict[str, int]:
    admin = kafka_clients.connected(KafkaAdminClient, bootstrap, **security.options)
    try:
        names = [name for name in admin.list_topics() if name in {TALLY_TOPIC, DEMAND_TOPIC}]
        return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(names)} if names else {}
    finally:
        admin.close()
