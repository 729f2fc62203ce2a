"""Who reaches Kafka, and how: parts, Jobs and KEDA by the same settings, users and authority."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.manifest_objects import Manifest, containers, kind, labels, named, pod, settings, variables, workloads

LOGIN = {"username": "GROUPBUY_KAFKA_USER", "password": "GROUPBUY_KAFKA_PASSWORD"}
"""KEDA's words for what our processes read from these variables."""
MECHANISM = "GROUPBUY_KAFKA_MECHANISM"
AUTHORITY = "GROUPBUY_KAFKA_CA"
WORDS = {"SCRAM-SHA-512": "scram_sha512", "SCRAM-SHA-256": "scram_sha256", "PLAIN": "plaintext"}
"""Mechanisms, and what KEDA calls them."""
OLDEST = (2, 1, 0)
"""The oldest protocol that Kafka 4 knows (KIP-896); KEDA speaks that of 1.0.0 unless it is told another."""


def kafka_is_reached_alike(manifests: list[Manifest]) -> Iterator[str]:
    """Whatever talks to Kafka can log in and has the authority that settings name; KEDA does as its consumer does."""
    for item in workloads(manifests):
        if labels(item).get("groupbuy/kafka") == "yes":
            yield from _logs_in(manifests, item)
    parts = {item["metadata"]["name"]: item for item in kind(manifests, "Deployment")}
    for scaler in kind(manifests, "ScaledObject"):
        part = parts.get(scaler["spec"]["scaleTargetRef"]["name"])
        for trigger in scaler["spec"].get("triggers", []):
            if part and trigger["type"] == "kafka":
                for problem in _differences(manifests, part, trigger):
                    yield f"{named(scaler)}: {problem}"


def _logs_in(manifests: list[Manifest], item: Manifest) -> Iterator[str]:
    for variable in LOGIN.values():
        if variable not in variables(item):
            yield f"{named(item)}: it talks to Kafka and has no {variable}"
    file = settings(manifests, item).get(AUTHORITY)
    if file and not _authority(item, file):
        yield f"{named(item)}: no Secret is mounted where {AUTHORITY} says"


def _authority(item: Manifest, file: str) -> tuple[str, str] | None:
    """The Secret and its key that a file of a workload's pod is; None where it is no Secret's."""
    folder, name = str(PurePosixPath(file).parent), PurePosixPath(file).name
    mounted = {
        one["name"] for box in containers(item) for one in box.get("volumeMounts", []) if one["mountPath"] == folder
    }
    for volume in pod(item)["spec"].get("volumes", []):
        secret = volume.get("secret")
        if secret and volume["name"] in mounted:
            keys = {one["path"]: one["key"] for one in secret.get("items", [])}
            return secret["secretName"], keys.get(name, name)
    return None


def _differences(manifests: list[Manifest], part: Manifest, trigger: Manifest) -> Iterator[str]:
    """List where KEDA's way to Kafka is not that of the part that it scales."""
    known, told = settings(manifests, part), trigger["metadata"]
    if (told.get("tls") == "enable") != (known.get("GROUPBUY_KAFKA_TLS") == "on"):
        yield "its tls is not what GROUPBUY_KAFKA_TLS says"
    if tuple(map(int, told.get("version", "1.0.0").split("."))) < OLDEST:
        yield f"its version is too old for Kafka 4, which speaks to {'.'.join(map(str, OLDEST))} and later"
    reference = trigger.get("authenticationRef", {}).get("name")
    logins = [item for item in kind(manifests, "TriggerAuthentication") if item["metadata"]["name"] == reference]
    if "sasl" in told:
        if told["sasl"] != WORDS.get(known.get(MECHANISM, "SCRAM-SHA-512")):
            yield f"its sasl is not what {MECHANISM} says"
        if not logins:
            yield f"there is no TriggerAuthentication {reference}"
    for login in logins:
        yield from _login(login, part, known.get(AUTHORITY))


def _login(login: Manifest, part: Manifest, file: str | None) -> Iterator[str]:
    """List what a login of KEDA's does not have, or has from elsewhere than the part."""
    taken = {one["parameter"]: one["name"] for one in login["spec"].get("env", [])}
    secrets = {one["parameter"]: (one["name"], one["key"]) for one in login["spec"].get("secretTargetRef", [])}
    for word, variable in LOGIN.items():
        own = variables(part).get(variable, {}).get("valueFrom", {}).get("secretKeyRef", {})
        if taken.get(word) != variable and secrets.get(word) != (own.get("name"), own.get("key")):
            yield f"its {word} is not {variable} of {named(part)}"
    if file and secrets.get("ca") != _authority(part, file):
        yield f"its ca is not the Secret that {AUTHORITY} is mounted from"
