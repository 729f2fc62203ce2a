"""Kafka seen by a client, a process of its own: `python -m tests.bench.kafka_client BOOTSTRAP` times produce to fetch.

It reads one topic from its end. A line of JSON on standard input starts a window: it produces records of its own,
evenly, and notes when each record arrives, those of others too. Times are of the machine's monotonic clock.
"""

import json
import sys
import threading
import time
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

TOPIC = "groupbuy.delivery.v1"
"""Has no reader, and no other writer but a notification that delivers."""
OWN = "own-"
OTHERS = "bench-"
_POLL_MS = 100
_LAST_SECONDS = 2.0


class Arrivals:
    """Reads the topic in a thread of its own; notes by key when a record was there."""

    def __init__(self, bootstrap: str) -> None:
        self.at: dict[str, float] = {}
        self._consumer: Any = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="latest")
        partitions = [TopicPartition(TOPIC, number) for number in self._consumer.partitions_for_topic(TOPIC)]
        self._consumer.assign(partitions)
        self._consumer.seek_to_end()
        for partition in partitions:
            self._consumer.position(partition)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            for records in self._consumer.poll(timeout_ms=_POLL_MS).values():
                now = time.monotonic()
                for record in records:
                    self.at[record.key.decode()] = now


def main(bootstrap: str) -> None:
    """Answer each window asked for, until the input ends."""
    arrivals = Arrivals(bootstrap)
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    say("ready")
    for line in sys.stdin:
        arrivals.at.clear()
        sent = produce(producer, **json.loads(line))
        time.sleep(_LAST_SECONDS)
        there = dict(arrivals.at)
        own = [there[key] - at for key, at in sent.items() if key in there]
        others = {key: at for key, at in there.items() if key.startswith(OTHERS)}
        say({"own": own, "lost": len(sent) - len(own), "others": others})


def say(what: Any) -> None:
    """Write one line for whoever asks."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def produce(producer: Any, seconds: float, rate: float) -> dict[str, float]:
    """Produce records evenly; gives by key when each was handed over."""
    sent: dict[str, float] = {}
    began = intended = time.monotonic()
    while intended - began < seconds:
        intended += 1 / rate
        time.sleep(max(intended - time.monotonic(), 0))
        key = f"{OWN}{len(sent)}"
        sent[key] = time.monotonic()
        producer.send(TOPIC, b"x" * 500, key=key.encode())
    return sent


if __name__ == "__main__":
    main(sys.argv[1])
