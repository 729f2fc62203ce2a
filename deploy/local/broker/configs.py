"""The configuration of a topic: what this broker acts on, what it takes without effect, what it refuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.local.broker.errors import ErrorCode, Refused

_Check = Callable[[str], Any]


def _integer(lowest: int) -> _Check:
    def check(text: str) -> int:
        number = int(text)
        if number < lowest:
            raise ValueError(f"must be at least {lowest}")
        return number

    return check


def _ratio(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError("must be between 0 and 1")
    return number


def _policies(text: str) -> frozenset[str]:
    policies = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not policies <= {"delete", "compact"}:
        raise ValueError("must be delete, compact, or both with a comma")
    return policies


def _only(*values: str) -> _Check:
    def check(text: str) -> str:
        if text not in values:
            raise ValueError(f"the local broker knows only {' and '.join(values)}")
        return text

    return check


# Name -> (default, check). The defaults are Kafka's, but for segments of 64 MiB instead of 1 GiB.
_ACTED_ON: dict[str, tuple[str, _Check]] = {
    "cleanup.policy": ("delete", _policies),
    "compression.type": ("producer", _only("producer")),
    "delete.retention.ms": ("86400000", _integer(0)),
    "max.message.bytes": ("1048588", _integer(0)),
    "message.timestamp.type": ("CreateTime", _only("CreateTime")),
    "min.cleanable.dirty.ratio": ("0.5", _ratio),
    "retention.bytes": ("-1", _integer(-1)),
    "retention.ms": ("604800000", _integer(-1)),
    "segment.bytes": ("67108864", _integer(1024)),
    "segment.ms": ("604800000", _integer(1)),
}
# Taken and shown again, so that a topic's declaration works here as in production; one broker has no use for them.
_WITHOUT_EFFECT = {
    "file.delete.delay.ms": "60000",
    "flush.messages": "9223372036854775807",
    "flush.ms": "9223372036854775807",
    "index.interval.bytes": "4096",
    "max.compaction.lag.ms": "9223372036854775807",
    "message.timestamp.after.max.ms": "3600000",
    "message.timestamp.before.max.ms": "9223372036854775807",
    "min.compaction.lag.ms": "0",
    "min.insync.replicas": "1",
    "preallocate": "false",
    "segment.index.bytes": "10485760",
    "segment.jitter.ms": "0",
    "unclean.leader.election.enable": "false",
}
DEFAULTS = {name: default for name, (default, _) in _ACTED_ON.items()} | _WITHOUT_EFFECT


@dataclass
class TopicConfigs:
    """What was set for one topic, as text, and the values that follow from it."""

    given: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Work out the values once: producing looks at them for every batch."""
        self.change(self.given)

    def change(self, given: Mapping[str, str]) -> None:
        """Put `given` in the place of what was set; raises Refused and changes nothing where a value is wrong."""
        values = {name: _value(name, given.get(name, default)) for name, default in DEFAULTS.items()}
        for name in given:
            if name not in DEFAULTS:
                raise Refused(ErrorCode.INVALID_CONFIG, f"unknown topic config {name}")
        self.given = dict(given)
        self.compact = "compact" in values["cleanup.policy"]
        self.delete = "delete" in values["cleanup.policy"]
        self.max_message_bytes = int(values["max.message.bytes"])
        self.retention_ms = int(values["retention.ms"])
        self.retention_bytes = int(values["retention.bytes"])
        self.segment_bytes = int(values["segment.bytes"])
        self.segment_ms = int(values["segment.ms"])
        self.delete_retention_ms = int(values["delete.retention.ms"])
        self.min_cleanable_dirty_ratio = float(values["min.cleanable.dirty.ratio"])


def _value(name: str, text: str) -> Any:
    if name not in _ACTED_ON:
        return text
    try:
        return _ACTED_ON[name][1](text)
    except ValueError as error:
        raise Refused(ErrorCode.INVALID_CONFIG, f"{name}={text}: {error}") from None
