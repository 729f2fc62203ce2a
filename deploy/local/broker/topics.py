"""The topics of the broker: their names, configurations and partitions, kept in one file beside the logs."""

import json
import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.local.broker.configs import TopicConfigs
from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.log.files import Files
from deploy.local.broker.log.partition import Partition
from deploy.local.errors import LocalError

_LOG = logging.getLogger(__name__)
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_MAX_PARTITIONS = 1000


class Topic:
    """One topic: `partitions` by number."""

    def __init__(self, name: str, directory: Path, count: int, configs: TopicConfigs, files: Files) -> None:
        """Opens, and where needed creates, the partitions."""
        self.name = name
        self.configs = configs
        self._directory = directory
        self._files = files
        self.partitions: list[Partition] = []
        self.grow(count)

    def grow(self, count: int) -> None:
        """Have `count` partitions."""
        for number in range(len(self.partitions), count):
            self.partitions.append(Partition(self._directory / str(number), self.configs, self._files))

    def destroy(self) -> None:
        """Delete all records from disk."""
        for partition in self.partitions:
            partition.destroy()
        shutil.rmtree(self._directory, ignore_errors=True)


class Topics:
    """All topics under a data directory."""

    def __init__(self, data: Path, *, default_partitions: int = 4) -> None:
        """Reads what is there; a topic that names no number of partitions gets `default_partitions`."""
        self.default_partitions = default_partitions
        self._logs = data / "logs"
        self._catalog = data / "topics.json"
        self._files = Files()
        self._topics = {name: self._open(name, entry) for name, entry in self._read().items()}
        self._remove_orphans()

    def __iter__(self) -> Iterator[Topic]:
        """The topics, in the order of their creation."""
        return iter(list(self._topics.values()))

    def find(self, name: str) -> Topic | None:
        """The topic of that name."""
        return self._topics.get(name)

    def existing(self, name: str) -> Topic:
        """The topic of that name. Raises Refused where it is not there."""
        topic = self._topics.get(name)
        if topic is None:
            raise Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic {name}")
        return topic

    def partition(self, name: str, number: int) -> Partition | None:
        """One partition of one topic."""
        topic = self._topics.get(name)
        return topic.partitions[number] if topic and 0 <= number < len(topic.partitions) else None

    def existing_partition(self, name: str, number: int) -> Partition:
        """One partition of one topic. Raises Refused where it is not there."""
        partition = self.partition(name, number)
        if partition is None:
            raise Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no partition {name}-{number}")
        return partition

    def create(self, name: str, count: int, configs: dict[str, str], *, only_check: bool = False) -> int:
        """Create a topic with `count` partitions (-1 for the default); the number it got. Raises Refused."""
        if not _NAME.fullmatch(name) or name in (".", ".."):
            why = f"topic name {name!r}: 1 to 249 of a-z A-Z 0-9 . _ - are allowed"
            raise Refused(ErrorCode.INVALID_TOPIC_EXCEPTION, why)
        if name in self._topics:
            raise Refused(ErrorCode.TOPIC_ALREADY_EXISTS, f"topic {name} exists")
        count = self.default_partitions if count == -1 else count
        _check_count(count)
        checked = TopicConfigs(dict(configs))
        if not only_check:
            self._topics[name] = Topic(name, self._logs / name, count, checked, self._files)
            self._write()
            _LOG.info("topic %s created: %d partitions, %s", name, count, configs or "default configs")
        return count

    def delete(self, name: str) -> None:
        """Delete a topic with its records. Raises Refused."""
        topic = self.existing(name)
        del self._topics[name]
        self._write()
        topic.destroy()
        _LOG.info("topic %s deleted", name)

    def grow(self, name: str, count: int, *, only_check: bool = False) -> None:
        """Give a topic more partitions, `count` in all. Raises Refused."""
        topic = self.existing(name)
        if count <= len(topic.partitions):
            why = f"topic {name} has {len(topic.partitions)} partitions already"
            raise Refused(ErrorCode.INVALID_PARTITIONS, why)
        _check_count(count)
        if not only_check:
            topic.grow(count)
            self._write()

    def configure(self, name: str, configs: dict[str, str], *, only_check: bool = False) -> None:
        """Put `configs` in the place of what was set for a topic. Raises Refused."""
        topic = self.existing(name)
        if only_check:
            TopicConfigs(configs)
            return
        topic.configs.change(configs)
        self._write()

    def close(self) -> None:
        """Close the segment files."""
        self._files.close()

    def _open(self, name: str, entry: dict[str, Any]) -> Topic:
        return Topic(name, self._logs / name, entry["partitions"], TopicConfigs(entry["configs"]), self._files)

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self._catalog.exists() and not any(self._logs.glob("*")):
            return {}
        try:
            topics: dict[str, dict[str, Any]] = json.loads(self._catalog.read_text())
        except (OSError, ValueError) as error:
            problem = f"The list of topics {self._catalog} cannot be read: {error}."
            raise LocalError(problem, "Give another --data directory, or delete this one and begin anew.") from None
        return topics

    def _write(self) -> None:
        entries = {
            topic.name: {"partitions": len(topic.partitions), "configs": topic.configs.given}
            for topic in self._topics.values()
        }
        scratch = self._catalog.with_suffix(".new")
        scratch.write_text(json.dumps(entries, indent=1))
        scratch.replace(self._catalog)

    def _remove_orphans(self) -> None:
        """A kill in the middle of creating or deleting a topic leaves a directory that no entry names."""
        for directory in self._logs.glob("*"):
            if directory.name not in self._topics:
                shutil.rmtree(directory, ignore_errors=True)


def _check_count(count: int) -> None:
    if not 1 <= count <= _MAX_PARTITIONS:
        raise Refused(ErrorCode.INVALID_PARTITIONS, f"{count} partitions: 1 to {_MAX_PARTITIONS} are allowed")
