"""Members of a consumer group, each polled on a thread of its own as in a service."""

import threading
from collections.abc import Sequence
from typing import Any

from kafka import KafkaConsumer

from tests.support.eventually import eventually

_POLL_MS = 500


def keep_joins(consumer: KafkaConsumer) -> KafkaConsumer:
    """Guard against a fault of kafka-python 3.0.12, and give the consumer back.

    A poll that ends while a join is under way may never look at the join's result: when only changed metadata had asked
    for it, `need_rejoin` says no as soon as the leader has divided the partitions. The member then has no partitions,
    sends no heartbeats and never joins again.
    """
    coordinator = consumer._coordinator
    needed = coordinator.need_rejoin
    coordinator.need_rejoin = lambda: coordinator._join_task is not None or needed()
    return consumer


class Member:
    """Polls until stopped; `assigned` and `values` are what it has, and has seen, so far."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self.assigned: frozenset[Any] = frozenset()
        self.values: list[bytes] = []
        self._consumer = consumer
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="member")
        self._thread.start()

    @property
    def generation(self) -> int:
        """The generation of the group that it belongs to."""
        return int(self._consumer._coordinator._generation.generation_id)

    def stop(self) -> None:
        """Leave the group (a static member stays in it) and end the thread."""
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.is_set():
            for batch in self._consumer.poll(timeout_ms=_POLL_MS).values():
                self.values.extend(record.value for record in batch)
            self.assigned = frozenset(self._consumer.assignment())
        self.assigned = frozenset()
        self._consumer.close()


def settle(members: Sequence[Member], shares: Sequence[int]) -> None:
    """Wait until the members have so many partitions each, none of them twice, all in one generation."""

    def settled() -> bool:
        places = [place for member in members for place in member.assigned]
        sizes = sorted(len(member.assigned) for member in members)
        generations = {member.generation for member in members}
        return sizes == sorted(shares) and len(set(places)) == len(places) and len(generations) == 1

    eventually(settled, f"shares of {list(shares)} partitions", seconds=60)
