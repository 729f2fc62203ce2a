"""What the broker is: its topics, its groups, and where it can be reached."""

import fcntl
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from deploy.local.broker.groups.coordinator import Coordinator
from deploy.local.broker.producer_ids import ProducerIds
from deploy.local.broker.topics import Topics
from deploy.local.errors import LocalError

NODE_ID = 0
_FORMAT = 1


class Broker:
    """All that the answers are made from; everything is under one data directory, which it locks."""

    def __init__(
        self, data: Path, clock: Callable[[], float], *, partitions: int = 4, auto_create: bool = False
    ) -> None:
        """Recovers what `data` holds. `clock`: seconds that never go back. Raises LocalError."""
        data.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(data)
        self.cluster_id = _identity(data)
        self.auto_create = auto_create
        self.host, self.port = "127.0.0.1", 0
        self.topics = Topics(data, default_partitions=partitions)
        self.coordinator = Coordinator(data, clock)
        self.producer_ids = ProducerIds(data)

    def delete_topic(self, name: str) -> None:
        """Delete a topic, and what groups have committed in it. Raises Refused."""
        self.topics.delete(name)
        self.coordinator.forget_topic(name)

    def close(self) -> None:
        """Close the files and give the directory free."""
        self.coordinator.close()
        self.topics.close()
        os.close(self._lock)


def _lock(data: Path) -> int:
    """The lock goes with the process, however that ends."""
    path = data / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.read(descriptor, 20).decode().strip()
        os.close(descriptor)
        problem = f"The data directory {data} is in use by another broker (process {owner})."
        raise LocalError(problem, "Stop that one, or give another --data directory.") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _identity(data: Path) -> str:
    """The cluster's id, made up once; tells also whether this version can read the directory."""
    path = data / "broker.json"
    if not path.exists():
        scratch = path.with_suffix(".new")
        scratch.write_text(json.dumps({"format": _FORMAT, "cluster_id": uuid.uuid4().hex}))
        scratch.replace(path)
    kept = json.loads(path.read_text())
    if kept["format"] != _FORMAT:
        problem = f"The data in {data} has format {kept['format']}, this version reads format {_FORMAT}."
        raise LocalError(problem, "Give another --data directory, or delete this one and begin anew.")
    return str(kept["cluster_id"])
