"""A group member to be killed: `python -m tests.support.group_member BOOTSTRAP TOPIC GROUP` says what it got, polls."""

import sys

from kafka import KafkaConsumer

from tests.support.members import keep_joins


def main(bootstrap: str, topic: str, group: str) -> None:
    """Poll until killed; one line on stdout when partitions are assigned."""
    options = {"session_timeout_ms": 2000, "heartbeat_interval_ms": 200}
    consumer = keep_joins(KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, **options))
    told = False
    while True:
        consumer.poll(timeout_ms=500)
        if consumer.assignment() and not told:
            print(f"{len(consumer.assignment())} partitions", flush=True)  # noqa: T201 - its parent reads it
            told = True


if __name__ == "__main__":
    main(*sys.argv[1:])
