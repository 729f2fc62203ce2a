"""What kafka-python (3.0.12) leaves undone: ending clients wholly, and joining a group to the end."""

from contextlib import suppress
from typing import Any, TypeVar

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

ANSWER_MS = 5_000
END_SECONDS = 5.0

Client = TypeVar("Client")


def connected(kind: type[Client], bootstrap: str, **options: Any) -> Client:
    """Make a client and wait until Kafka answers it, at most 5 seconds; KafkaError.

    A client whose first connection fails keeps a thread and four descriptors open; they are closed here.
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

    `close(timeout=0)` alone gives up at its own flush and leaves the producer running.
    """
    sender = producer._sender  # noqa: SLF001 - there is no public way, and the version is pinned
    sender.force_close()
    sender.join(END_SECONDS)
    with suppress(KafkaError):
        producer.close(timeout=0)


def finish_joining(consumer: KafkaConsumer) -> None:
    """Have a join that one poll began and a later one forgot begun again; to be called after each poll.

    New metadata can be the reason to join. Where that takes longer than one poll, the leader's next poll sees no reason
    any more: the assignment is never taken up, heartbeats stay off, and nothing is read.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - there is no public way, and the version is pinned
    if coordinator.rejoining and not coordinator.need_rejoin():
        coordinator.request_rejoin()
