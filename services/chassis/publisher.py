"""The blocking Kafka producer, on a thread of its own; nothing else in the services touches it."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from kafka import KafkaProducer
from kafka.errors import KafkaError

from services.chassis import kafka_clients, record_batches
from services.chassis.errors import Unavailable
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity
from services.chassis.messages import Message

ACKNOWLEDGE_SECONDS = 30.0
# Longer than any wait of ours: a batch that the client gave up on alone would leave a hole before later ones.
_NEVER_MS = 86_400_000


class Publisher:
    """Writes messages to Kafka and returns once all in-sync replicas have them (acks=all, idempotent).

    A record's own time is that of writing: Kafka deletes by it, and refuses one that is an hour ahead. When a fact
    occurred, by its platform's clock, is in the envelope and in `ce_time`.
    """

    def __init__(
        self,
        bootstrap: str,
        client_id: str,
        *,
        acknowledge_seconds: float = ACKNOWLEDGE_SECONDS,
        security: KafkaSecurity = PLAINTEXT,
    ) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._security = security
        self._acknowledge_seconds = acknowledge_seconds
        self._producer: KafkaProducer | None = None
        self._stopped = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publisher")

    async def publish(self, messages: Sequence[Message]) -> None:
        """Write in order; Unavailable if not all are acknowledged in time: the caller writes the same again."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._publish, messages)

    async def stop(self) -> None:
        """End at once, a publish under way too; what was not acknowledged is written again after the next start."""
        self._stopped = True
        if self._producer:
            await asyncio.to_thread(kafka_clients.end, self._producer)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _publish(self, messages: Sequence[Message]) -> None:
        if self._stopped:
            raise Unavailable("the publisher has stopped")
        try:
            producer = self._producer or self._connect()
            sent = record_batches.send(producer, messages)
            producer.flush(self._acknowledge_seconds)
            for future in sent:
                future.get(0)
        except KafkaError as error:
            self._discard()
            raise Unavailable(f"Kafka at {self._bootstrap} does not acknowledge ({error})") from error

    def _connect(self) -> KafkaProducer:
        self._producer = kafka_clients.connected(
            KafkaProducer,
            self._bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            batch_size=record_batches.BATCH_BYTES,
            delivery_timeout_ms=_NEVER_MS,
            request_timeout_ms=10_000,
            max_block_ms=10_000,
            reconnect_backoff_max_ms=1_000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
            **self._security.options,
        )
        return self._producer

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            kafka_clients.end(producer)
