"""Making and ending clients of kafka-python without what the library leaves behind when Kafka does not answer."""

from contextlib import suppress
from typing import Any, TypeVar

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

ANSWER_MS = 5_000
END_SECONDS = 5.0

Client = TypeVar("Client")


def connected(kind: type[Client], bootstrap: str, **options: Any) -> Client:
    """Make a client and wait until Kafka answers it, at most 5 seconds; KafkaError.

    A client whose first connection fails keeps a thread and four descriptors open (3.0.12); they are closed here.
    """
    made: list[KafkaNetClient] = []

    def remembered(**config: Any) -> KafkaNetClient:
        made.append(KafkaNetClient(**config))
        return made[-1]

    try:
        return kind(
            bootstrap_servers=bootstrap.split(","),  # type: ignore[call-arg]  # the library has no types
            bootstrap_timeout_ms=ANSWER_MS,
            kafka_client=remembered,
            **options,
        )
    except KafkaError:
        for client in made:
            client.close()
        raise


def end(producer: KafkaProducer) -> None:
    """End a producer with all that it still holds, so that nothing of it is written later.

    `close(timeout=0)` alone gives up at its own flush and leaves the producer running (3.0.12).
    """
    sender = producer._sender  # noqa: SLF001 - there is no public way, and the version is pinned
    sender.force_close()
    sender.join(END_SECONDS)
    with suppress(KafkaError):
        producer.close(timeout=0)
