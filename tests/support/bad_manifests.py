"""Variants of the manifests with one thing wrong each, and what the check says of it."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tools.manifest_objects import containers, kind, labels

Manifest: TypeAlias = dict[str, Any]
Variant: TypeAlias = tuple[Callable[[list[Manifest]], object], str]
"""How a set of manifests is spoilt, and words of the sentence that must be said then."""


def one(found: list[Manifest], of: str, name: str) -> Manifest:
    """Give an object by kind and name."""
    return next(item for item in found if item["kind"] == of and item["metadata"]["name"] == name)


def box(found: list[Manifest], name: str = "pricing-rpc") -> Manifest:
    """Give a Deployment's container."""
    return containers(one(found, "Deployment", name))[0]


def spec(found: list[Manifest], of: str, name: str) -> Manifest:
    """Give what an object wishes."""
    result: Manifest = one(found, of, name)["spec"]
    return result


def settings_name(found: list[Manifest]) -> str:
    """Its name ends in a hash of what is in it."""
    return next(str(item["metadata"]["name"]) for item in kind(found, "ConfigMap") if "GROUPBUY_LISTEN" in item["data"])


BAD: Mapping[str, Variant] = {
    "unknown field": (lambda m: box(m).update(imagePulPolicy="Always"), "imagePulPolicy"),
    "wrong type": (lambda m: spec(m, "Deployment", "pricing-rpc").update(minReadySeconds="five"), "five"),
    "removed version": (
        lambda m: one(m, "PodDisruptionBudget", "pricing-rpc").update(apiVersion="policy/v1beta1"),
        "v1beta1",
    ),
    "selector": (
        lambda m: spec(m, "Service", "pricing").update(selector={"app.kubernetes.io/name": "prices"}),
        "Service pricing: its selector fits no pod",
    ),
    "labels of pods": (
        lambda m: spec(m, "Deployment", "pricing-rpc")["selector"]["matchLabels"].update(more="yes"),
        "does not fit the labels of its pods",
    ),
    "port name": (
        lambda m: spec(m, "Service", "pricing")["ports"][0].update(targetPort="grcp"),
        "Deployment pricing-rpc has no port grcp",
    ),
    "probe of a port": (
        lambda m: box(m)["livenessProbe"]["grpc"].update(port=7101),
        "livenessProbe asks port 7101",
    ),
    "request over limit": (
        lambda m: box(m)["resources"]["requests"].update(memory="4Gi"),
        "asks for more memory than its limit",
    ),
    "no limit": (lambda m: box(m)["resources"].pop("limits"), "a limit of memory"),
    "budget": (
        lambda m: spec(m, "PodDisruptionBudget", "pricing-rpc").update(maxUnavailable=0),
        "so no node can be emptied",
    ),
    "budget of the unready": (
        lambda m: spec(m, "PodDisruptionBudget", "pricing-rpc").pop("unhealthyPodEvictionPolicy"),
        "a pod that is not ready keeps its node",
    ),
    "no budget": (
        lambda m: m.remove(one(m, "PodDisruptionBudget", "pricing-rpc")),
        "Deployment pricing-rpc: it has no disruption budget",
    ),
    "roll-out cannot move": (
        lambda m: spec(m, "Deployment", "pricing-rpc")["strategy"]["rollingUpdate"].update(maxSurge=0),
        "can neither add nor remove a pod",
    ),
    "roll-out takes away": (
        lambda m: spec(m, "Deployment", "pricing-rpc")["strategy"]["rollingUpdate"].update(maxUnavailable=1),
        "removes pods before others are ready",
    ),
    "roll-out gives up": (
        lambda m: spec(m, "Deployment", "pricing-rpc").update(progressDeadlineSeconds=30),
        "may take longer to start",
    ),
    "grace": (
        lambda m: spec(m, "Deployment", "pricing-rpc")["template"]["spec"].update(terminationGracePeriodSeconds=30),
        "it has 30 s to end and may need 40",
    ),
    "no pause": (lambda m: box(m).pop("lifecycle"), "it needs a pause before TERM"),
    "alive by the database": (
        lambda m: box(m).update(livenessProbe={"grpc": {"port": 7100, "service": "readiness"}}),
        "its livenessProbe asks readiness",
    ),
    "no probe": (lambda m: box(m, "pricing-relay").pop("startupProbe"), "it has no startupProbe"),
    "root": (
        lambda m: spec(m, "Deployment", "pricing-rpc")["template"]["spec"]["securityContext"].pop("runAsNonRoot"),
        "may run as root",
    ),
    "token": (
        lambda m: spec(m, "Deployment", "pricing-rpc")["template"]["spec"].pop("automountServiceAccountToken"),
        "have a token",
    ),
    "writes": (lambda m: box(m)["securityContext"].pop("readOnlyRootFilesystem"), "may write into its image"),
    "privileges": (lambda m: box(m)["securityContext"].pop("capabilities"), "may gain privileges"),
    "part": (lambda m: box(m)["command"].__setitem__(3, "rcp"), "services.pricing rcp starts no part"),
    "missing part": (
        lambda m: m.remove(one(m, "Deployment", "pricing-relay")),
        "pricing relay is started by nobody",
    ),
    "secret in the open": (
        lambda m: box(m)["env"].append({"name": "GROUPBUY_SERVICE_KEY", "value": "x"}),
        "refer to a Secret",
    ),
    "settings": (lambda m: box(m)["envFrom"][0]["configMapRef"].update(name="gone"), "there is no ConfigMap gone"),
    "open": (lambda m: m.remove(one(m, "NetworkPolicy", "nothing")), "no NetworkPolicy denies"),
    "policy for nobody": (
        lambda m: spec(m, "NetworkPolicy", "to-kafka").update(podSelector={"matchLabels": {"a": "b"}}),
        "NetworkPolicy to-kafka: its selector fits no pod",
    ),
    "Kafka behind a policy": (
        lambda m: one(m, "ConfigMap", settings_name(m))["data"].update(GROUPBUY_KAFKA="a:9093,b:19093"),
        "Deployment pricing-relay: no policy lets it reach port 19093 (GROUPBUY_KAFKA)",
    ),
    "collector behind a policy": (
        lambda m: one(m, "ConfigMap", settings_name(m))["data"].update(GROUPBUY_TRACES_ENDPOINT="otel:4318"),
        "Deployment pricing-rpc: no policy lets it reach port 4318 (GROUPBUY_TRACES_ENDPOINT)",
    ),
    "no names": (
        lambda m: m.remove(one(m, "NetworkPolicy", "names")),
        "CronJob check: no policy lets it reach port 53 (names)",
    ),
    "PostgreSQL behind a policy": (
        lambda m: labels(one(m, "CronJob", "check")).pop("groupbuy/postgres"),
        "CronJob check: no policy lets it reach port 5432 (PostgreSQL)",
    ),
    "metrics behind a policy": (
        lambda m: m.remove(one(m, "NetworkPolicy", "from-monitoring")),
        "Deployment pricing-relay: no policy lets anybody reach its port ops",
    ),
    "scaled and set": (
        lambda m: spec(m, "Deployment", "pricing-rpc").update(replicas=3),
        "every apply would undo what was scaled",
    ),
    "scaled twice": (
        lambda m: spec(m, "ScaledObject", "pricing-consumer")["scaleTargetRef"].update(name="pricing-rpc"),
        "pricing-rpc is scaled by another one too",
    ),
    "scales nothing": (
        lambda m: spec(m, "HorizontalPodAutoscaler", "pricing-rpc")["scaleTargetRef"].update(name="prices"),
        "there is no Deployment prices",
    ),
    "bounds": (
        lambda m: spec(m, "HorizontalPodAutoscaler", "pricing-rpc").update(maxReplicas=1),
        "from 3 to 1 replicas are no bounds",
    ),
    "route": (
        lambda m: spec(m, "HTTPRoute", "pages")["rules"][0]["backendRefs"][0].update(port=81),
        "no Service web has port 81",
    ),
    "nobody checks": (lambda m: m.remove(one(m, "CronJob", "check")), "no CronJob runs groupbuy check --record"),
    "checks seldom": (lambda m: spec(m, "CronJob", "check").update(schedule="17 3 * * *"), "CheckNotRun goes off"),
    "checks at once": (lambda m: spec(m, "CronJob", "check").pop("concurrencyPolicy"), "one may begin before"),
    "checks for ever": (
        lambda m: spec(m, "CronJob", "check")["jobTemplate"]["spec"].pop("activeDeadlineSeconds"),
        "nothing ends it before the next one is due",
    ),
    "a check as root": (
        lambda m: containers(one(m, "CronJob", "check"))[0].pop("securityContext"),
        "CronJob check: groupbuy may gain privileges",
    ),
    "route to more": (
        lambda m: spec(m, "HTTPRoute", "json")["rules"][0]["matches"][0]["path"].update(value="/"),
        "HTTPRoute json: / (PathPrefix) leads to more than the calls of one public service",
    ),
    "route to internal calls": (
        lambda m: spec(m, "GRPCRoute", "api")["rules"][1]["matches"][0]["method"].update(
            service="groupbuy.pricing.v1.PricingInternal"
        ),
        "GRPCRoute api: /groupbuy.pricing.v1.PricingInternal (PathPrefix) leads to more",
    ),
    "one address for all visitors": (
        lambda m: one(m, "ConfigMap", settings_name(m))["data"].pop("GROUPBUY_WEB_PROXIES"),
        "Deployment team-formation-web: GROUPBUY_WEB_PROXIES names no proxy",
    ),
    "field of another's kind": (
        lambda m: spec(m, "ScaledObject", "pricing-consumer").update(maxReplicas=3),
        "there is no field spec.maxReplicas",
    ),
    "version of another's kind": (
        lambda m: one(m, "GRPCRoute", "api").update(apiVersion="gateway.networking.k8s.io/v1alpha2"),
        "its version is gateway.networking.k8s.io/v1",
    ),
}


def trigger(found: list[Manifest]) -> Manifest:
    """Give what a ScaledObject goes by."""
    result: Manifest = spec(found, "ScaledObject", "pricing-consumer")["triggers"][0]
    return result


def without_variable(found: list[Manifest], name: str) -> None:
    """Take a variable from a container."""
    part = box(found, "pricing-relay")
    part["env"] = [variable for variable in part["env"] if variable["name"] != name]


def paths(found: list[Manifest], name: str) -> list[Manifest]:
    """Give the paths of an Ingress."""
    result: list[Manifest] = spec(found, "Ingress", name)["rules"][0]["http"]["paths"]
    return result


BAD_INGRESS: Mapping[str, Variant] = {
    "Ingress to no port": (
        lambda m: paths(m, "pages")[0]["backend"]["service"]["port"].update(name="pages"),
        "Ingress pages: no Service web has port pages",
    ),
    "Ingress to internal calls": (
        lambda m: paths(m, "api")[0].update(pathType="ImplementationSpecific"),
        "(ImplementationSpecific) leads to more than the calls of one public service",
    ),
    "unknown field of an Ingress": (
        lambda m: spec(m, "Ingress", "api").update(ingressClass="public"),
        "ingressClass",
    ),
}
BAD_EXAMPLE: Mapping[str, Variant] = {
    "no login": (
        lambda m: without_variable(m, "GROUPBUY_KAFKA_USER"),
        "Deployment pricing-relay: it talks to Kafka and has no GROUPBUY_KAFKA_USER",
    ),
    "no authority": (
        lambda m: box(m, "pricing-relay").update(volumeMounts=[]),
        "Deployment pricing-relay: no Secret is mounted where GROUPBUY_KAFKA_CA says",
    ),
    "scaled without TLS": (lambda m: trigger(m)["metadata"].pop("tls"), "its tls is not what GROUPBUY_KAFKA_TLS says"),
    "too old for Kafka 4": (
        lambda m: trigger(m)["metadata"].pop("version"),
        "its version is too old for Kafka 4",
    ),
    "another mechanism": (
        lambda m: trigger(m)["metadata"].update(sasl="plaintext"),
        "its sasl is not what GROUPBUY_KAFKA_MECHANISM says",
    ),
    "no such login": (
        lambda m: trigger(m)["authenticationRef"].update(name="gone"),
        "there is no TriggerAuthentication gone",
    ),
    "another's password": (
        lambda m: spec(m, "TriggerAuthentication", "kafka").update(
            secretTargetRef=[{"parameter": "password", "name": "groupbuy-notification", "key": "password"}],
            env=[{"parameter": "username", "name": "GROUPBUY_KAFKA_USER", "containerName": "groupbuy"}],
        ),
        "its password is not GROUPBUY_KAFKA_PASSWORD of Deployment pricing-consumer",
    ),
    "unseen pods": (
        lambda m: spec(m, "PodMonitor", "groupbuy")["selector"]["matchLabels"].update(more="yes"),
        "PodMonitor groupbuy: it does not find the pods of Deployment pricing-relay",
    ),
    "unseen port": (
        lambda m: spec(m, "PodMonitor", "groupbuy")["podMetricsEndpoints"][0].update(port="metrics"),
        "PodMonitor groupbuy: Deployment pricing-relay has no port metrics",
    ),
    "no board": (
        lambda m: one(m, "ConfigMap", "dashboard-pricing").update(data={"pricing.json": "{}"}),
        "ConfigMap dashboard-pricing: pricing.json is no dashboard",
    ),
    "board too large": (
        lambda m: one(m, "ConfigMap", "dashboard-pricing")["data"].update(
            {"pricing.json": json.dumps({"panels": ["x" * 2**18]})}
        ),
        "ConfigMap dashboard-pricing: it is too large to be applied",
    ),
    "another authority": (
        lambda m: spec(m, "TriggerAuthentication", "kafka")["secretTargetRef"][0].update(name="clients-ca"),
        "its ca is not the Secret that GROUPBUY_KAFKA_CA is mounted from",
    ),
}

BAD_SERVERS: Mapping[str, Variant] = {
    "broker that may not run": (
        lambda m: spec(m, "KafkaNodePool", "brokers")["template"].pop("kafkaContainer"),
        "KafkaNodePool brokers: kafkaContainer does not keep the restricted standard",
    ),
    "operator that may not run": (
        lambda m: spec(m, "Kafka", "kafka")["entityOperator"]["template"]["userOperatorContainer"].clear(),
        "Kafka kafka: userOperatorContainer does not keep the restricted standard",
    ),
    "brokers on one node": (
        lambda m: spec(m, "KafkaNodePool", "brokers")["template"]["pod"].clear(),
        "KafkaNodePool brokers: two brokers may be on one node",
    ),
    "databases on one node": (
        lambda m: spec(m, "Cluster", "postgres").pop("affinity"),
        "Cluster postgres: two of its servers may be on one node",
    ),
    "a database without memory": (
        lambda m: spec(m, "Cluster", "postgres").pop("resources"),
        "Cluster postgres: it asks for no memory",
    ),
    "what CloudNativePG has given up": (
        lambda m: spec(m, "Cluster", "postgres").update(minSyncReplicas=1),
        "Cluster postgres: there is no field spec.minSyncReplicas",
    ),
}

VARIANTS: Mapping[str, Mapping[str, Variant]] = {
    "production": BAD,
    "production+ingress": BAD_INGRESS,
    "example": BAD_EXAMPLE,
    "example/prepare": BAD_SERVERS,
}
"""By the overlay that they are made from."""
