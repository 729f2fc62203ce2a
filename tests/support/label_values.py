"""What values the labels of metrics may have: those of lists that end, so that no id of anybody can be among them."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import cast

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from prometheus_client import REGISTRY

from deploy.check import invariants
from services.chassis.reasons import reasons
from services.chassis.settings import ChassisSettings
from services.chassis.topics import topics
from services.notification.settings import Settings as NotificationSettings
from services.team_formation.domain import AbuseAction, Signal
from services.team_formation.settings import Settings as TeamFormationSettings
from tools.refusals import rpcs

_WORDS = re.compile(r"[a-z][a-z_-]*( [a-z]+)*")
"""Names that code gives: small letters, so that no id that has a digit or a capital passes for one."""
SETTINGS: tuple[type[ChassisSettings], ...] = (ChassisSettings, NotificationSettings, TeamFormationSettings)
_OF_PROMETHEUS = {"le"}


@cache
def methods() -> frozenset[str]:
    """Every RPC, as /package.Service/Method."""
    return frozenset(f"/{rpc.service}/{rpc.name}" for rpc in rpcs())


@cache
def facts() -> frozenset[str]:
    """Every kind of fact, by its short name."""
    return frozenset(kind.name for kind in fact_kinds())


def fact_kinds() -> Iterator[Descriptor]:
    """Every kind of fact that an envelope of a topic can have."""
    for topic in topics().values():
        for field in _envelope(topic.envelope).oneofs_by_name["fact"].fields:
            yield cast("Descriptor", field.message_type)


def _envelope(name: str) -> Descriptor:
    package, _, _ = name.rpartition(".")
    import_module(f"{package}.events_pb2")
    return descriptor_pool.Default().FindMessageTypeByName(name)


@cache
def _limits() -> frozenset[str]:
    return frozenset(
        name.removeprefix("limit_") for kind in SETTINGS for name in kind.model_fields if name.startswith("limit_")
    )


def _word(value: str) -> bool:
    return value == "" or _WORDS.fullmatch(value) is not None


ALLOWED: dict[str, Callable[[str], bool]] = {
    "action": lambda value: value in {str(action) for action in AbuseAction},
    "channel": _word,
    "code": lambda value: value in grpc.StatusCode.__members__,
    "fact": lambda value: value in facts(),
    "invariant": lambda value: value in {item.name for item in invariants()},
    "limit": lambda value: value in _limits(),
    "method": lambda value: value in methods(),
    "outcome": _word,
    "queue": _word,
    "reason": lambda value: value in reasons(),
    "signal": lambda value: value in {str(signal) for signal in Signal},
    "state": _word,
    "timer": _word,
    "topic": lambda value: value in topics(),
    "version": lambda value: re.fullmatch(r"\d+\.\d+\.\d+\w*", value) is not None,
    "way": _word,
}


def strange_values() -> Iterator[str]:
    """List values of labels that this process has counted under and that are of no list."""
    for family in REGISTRY.collect():
        if not family.name.startswith("groupbuy_"):
            continue
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label not in _OF_PROMETHEUS and not ALLOWED[label](value):
                    yield f"{sample.name}: {label}={value!r}"
