"""Writes Strimzi's KafkaTopics and KafkaUsers from proto/topics.toml, which is where topics are said.

    python -m tools.strimzi           writes deploy/kubernetes/overlays/example/kafka/topics.yaml and users.yaml

A test compares the files with what this makes. A service may read what it consumes and write what it owns: no more.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from services.chassis.topics import Topic, topics

Manifest: TypeAlias = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deploy" / "kubernetes" / "overlays" / "example" / "kafka"
API = "kafka.strimzi.io/v1"
LABELS = {"strimzi.io/cluster": "kafka"}
COPIES = 3
SERVICES = ("team_formation", "pricing", "notification")
DEMAND = "groupbuy-pricing-demand"
"""The group of the worker that counts live demand, which is pricing's."""
HEAD = "# Made by `python -m tools.strimzi` from proto/topics.toml: do not edit.\n"


def main() -> int:
    """Write both files."""
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


def files() -> dict[str, str]:
    """Make both files, by name."""
    made = {"topics.yaml": map(topic, topics().values()), "users.yaml": map(user, SERVICES)}
    return {name: HEAD + yaml.safe_dump_all(items, sort_keys=False, width=120) for name, items in made.items()}


def topic(item: Topic) -> Manifest:
    """Make a topic of Strimzi's; its object is named as the topic, as no character of ours is a problem there."""
    config = item.configs(COPIES)
    return {
        "apiVersion": API,
        "kind": "KafkaTopic",
        "metadata": {"name": item.name, "labels": LABELS},
        "spec": {"partitions": item.partitions, "replicas": COPIES, "config": config},
    }


def user(service: str) -> Manifest:
    """Make the user of a service, and what it may do."""
    acls = [rule("group", f"groupbuy-{service}", "Read", "Describe")]
    if service == "pricing":
        acls.append(rule("group", DEMAND, "Read", "Describe"))
    for item in topics().values():
        allowed = [*(["Read"] if reads(service, item) else []), *(["Write"] if item.owner == service else [])]
        if allowed:
            acls.append(rule("topic", item.name, *allowed, "Describe", "DescribeConfigs"))
    return {
        "apiVersion": API,
        "kind": "KafkaUser",
        "metadata": {"name": f"groupbuy-{service.replace('_', '-')}", "labels": LABELS},
        "spec": {"authentication": {"type": "scram-sha-512"}, "authorization": {"type": "simple", "acls": acls}},
    }


def reads(service: str, item: Topic) -> bool:
    """Tell whether a service reads a topic: what it consumes, and of its own what it counts or rebuilds from."""
    return service in item.consumers or (service == "pricing" and item.owner == service)


def rule(kind: str, name: str, *operations: str) -> Manifest:
    """Make one entry of what a user may do."""
    return {"resource": {"type": kind, "name": name, "patternType": "literal"}, "operations": list(operations)}


if __name__ == "__main__":
    sys.exit(main())
