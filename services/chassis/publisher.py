"""The blocking Kafka producer, on a thread of its own; nothing else in the services touches it."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from kafka import KafkaProducer
from kafka.errors import KafkaError

from services.chassis.errors import Unavailable
from services.chassis.messages import Message, headers

ACKNOWLEDGE_SECONDS = 30.0
# Longer than any wait of ours: a batch that the client gave up on alone could leave a hole before later ones.
_NEVER_MS = 86_400_000


class Publisher:
    """Writes messages to Kafka and returns once all in-sync replicas have them (acks=all, idempotent)."""

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._producer: KafkaProducer | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publisher")

    async def publish(self, messages: Sequence[Message]) -> None:
        """Write in order; Unavailable if not all are acknowledged in time: the caller writes the same again."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._publish, messages)

    async def stop(self) -> None:
        """Close the connection; what was not acknowledged is written again after the next start."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._discard)
        self._thread.shutdown(wait=False)

    def _publish(self, messages: Sequence[Message]) -> None:
        try:
            producer = self._producer or self._connect()
            sent = [
                producer.send(item.topic, item.payload, item.key.encode(), headers(item), None, _milliseconds(item))
                for item in messages
            ]
            producer.flush(ACKNOWLEDGE_SECONDS)
            for future in sent:
                future.get(0)
        except KafkaError as error:
            self._discard()
            raise Unavailable(f"Kafka at {self._bootstrap} does not acknowledge ({type(error).__name__})") from error

    def _connect(self) -> KafkaProducer:
        self._producer = KafkaProducer(
            bootstrap_servers=self._bootstrap.split(","),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            delivery_timeout_ms=_NEVER_MS,
            request_timeout_ms=10_000,
            max_block_ms=10_000,
            bootstrap_timeout_ms=10_000,
            reconnect_backoff_max_ms=1_000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        return self._producer

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            with suppress(KafkaError):
                producer.close(timeout=0)


def _milliseconds(item: Message) -> int:
    return int(item.occurred_at.timestamp() * 1000)
