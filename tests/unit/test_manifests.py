"""The manifests are right, and each check of them can fail: a variant for each way to be wrong, and what is said."""

import copy
import json
import tomllib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from services.chassis.settings import ChassisSettings
from services.chassis.topics import topics
from tests.support.require import require
from tools import manifests as checked
from tools import strimzi
from tools.manifest_objects import containers, kind
from tools.manifest_rules import PARTS, fewest

Manifest = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    return tuple(checked.render(overlay))


@pytest.fixture(autouse=True)
def _renderer() -> None:
    require("kustomize", None if checked.program() else "there is no kustomize, which renders the manifests")


@pytest.mark.parametrize("overlay", checked.OVERLAYS)
def test_every_overlay_is_right(overlay: str) -> None:
    assert list(checked.check(list(rendered(overlay)))) == []


def one(found: list[Manifest], of: str, name: str) -> Manifest:
    return next(item for item in found if item["kind"] == of and item["metadata"]["name"] == name)


def box(found: list[Manifest], name: str = "pricing-rpc") -> Manifest:
    return containers(one(found, "Deployment", name))[0]


def spec(found: list[Manifest], of: str, name: str) -> Manifest:
    result: Manifest = one(found, of, name)["spec"]
    return result


def settings_name(found: list[Manifest]) -> str:
    """Its name ends in a hash of what is in it."""
    return next(str(item["metadata"]["name"]) for item in kind(found, "ConfigMap"))


BAD: dict[str, tuple[Callable[[list[Manifest]], object], str]] = {
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
    result: Manifest = spec(found, "ScaledObject", "pricing-consumer")["triggers"][0]
    return result


def without_variable(found: list[Manifest], name: str) -> None:
    part = box(found, "pricing-relay")
    part["env"] = [variable for variable in part["env"] if variable["name"] != name]


BAD_EXAMPLE: dict[str, tuple[Callable[[list[Manifest]], object], str]] = {
    "no login": (
        lambda m: without_variable(m, "GROUPBUY_KAFKA_USER"),
        "Deployment pricing-relay: it talks to Kafka and has no GROUPBUY_KAFKA_USER",
    ),
    "no authority": (
        lambda m: box(m, "pricing-relay").update(volumeMounts=[]),
        "Deployment pricing-relay: no Secret is mounted where GROUPBUY_KAFKA_CA says",
    ),
    "scaled without TLS": (lambda m: trigger(m)["metadata"].pop("tls"), "its tls is not what GROUPBUY_KAFKA_TLS says"),
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


@pytest.mark.parametrize(
    ("overlay", "spoil", "sentence"),
    [
        pytest.param(overlay, *variant, id=name)
        for overlay, variants in (("production", BAD), ("example", BAD_EXAMPLE))
        for name, variant in variants.items()
    ],
)
def test_each_check_can_fail(overlay: str, spoil: Callable[[list[Manifest]], object], sentence: str) -> None:
    found = copy.deepcopy(list(rendered(overlay)))
    spoil(found)
    assert any(sentence in problem for problem in checked.check(found)), list(checked.check(found))


def test_traces_may_leave() -> None:
    found = copy.deepcopy(list(rendered("production")))
    one(found, "ConfigMap", settings_name(found))["data"].update(
        GROUPBUY_TRACES_ENDPOINT="otel-collector.monitoring:4317"
    )
    assert list(checked.check(found)) == []


def test_the_operator_and_grafana_get_what_the_folder_has() -> None:
    """Every dashboard in a map that the sidecar finds, and the rules that are made from the alerts."""
    found, folder = list(rendered("example")), checked.ROOT / "deploy" / "observability"
    boards = [
        item["data"] for item in kind(found, "ConfigMap") if "grafana_dashboard" in item["metadata"].get("labels", {})
    ]
    files = {path.name: path.read_text() for path in (folder / "dashboards").glob("*.json")}
    assert {name: text for board in boards for name, text in board.items()} == files
    made = checked.read((folder / "operator" / "prometheusrule.yaml").read_text())
    assert spec(found, "PrometheusRule", "groupbuy") == made[0]["spec"]


def test_every_process_at_kafka_may_log_in() -> None:
    """Where Kafka asks for SASL: each part as its service, and the Job as one who may create topics."""
    for overlay in ("production", "production/prepare"):
        for item in kind(list(rendered(overlay)), "Deployment", "Job"):
            name = item["metadata"]["name"]
            known = {variable["name"]: variable.get("valueFrom", {}) for variable in containers(item)[0].get("env", [])}
            if not name.startswith("migrate-"):
                service = "topics" if name == "topics" else item["spec"]["template"]["spec"]["serviceAccountName"]
                for variable, key in (("GROUPBUY_KAFKA_USER", "user"), ("GROUPBUY_KAFKA_PASSWORD", "password")):
                    assert known[variable]["secretKeyRef"] == {"name": f"{service}-kafka", "key": key, "optional": True}


def test_topics_and_users_of_strimzi_follow_the_topics() -> None:
    for name, text in strimzi.files().items():
        assert (strimzi.FOLDER / name).read_text() == text, "run: python -m tools.strimzi"


def test_a_service_may_write_its_own_topics_alone() -> None:
    for service in strimzi.SERVICES:
        rules = strimzi.user(service)["spec"]["authorization"]["acls"]
        written = {rule["resource"]["name"] for rule in rules if "Write" in rule["operations"]}
        assert written == {item.name for item in topics().values() if item.owner == service}


def test_rates_are_parted_by_the_fewest_replicas() -> None:
    """Each process allows its part of a platform's rate: more of them than are counted would allow more, never less."""
    found = list(rendered("production"))
    counted = {int(item["data"]["GROUPBUY_RPC_REPLICAS"]) for item in kind(found, "ConfigMap")}
    doors = {fewest(found, item) for item in kind(found, "Deployment") if item["metadata"]["name"].endswith("-rpc")}
    assert counted == doors


def test_connections_fit_the_server() -> None:
    """The connection budget of docs/kubernetes.md: every process at its most, at the most replicas, in the example."""
    found = list(rendered("example"))
    pool = ChassisSettings.model_fields["database_pool"].default
    clients = direct = 0
    for item in kind(found, "Deployment"):
        most = max([item["spec"].get("replicas", 1), *(
            scaler["spec"].get("maxReplicas") or scaler["spec"].get("maxReplicaCount")
            for scaler in kind(found, "HorizontalPodAutoscaler", "ScaledObject")
            if scaler["spec"]["scaleTargetRef"]["name"] == item["metadata"]["name"]
        )])  # fmt: skip
        part = box(found, item["metadata"]["name"])["command"][3]
        clients += most * (0 if part == "demand" else pool + (6 if part == "web" else 0))
        direct += most * {"demand": 0, "relay": 2}.get(part, 1)
    servers = list(rendered("example/prepare"))
    pooler = one(servers, "Pooler", "pooler")["spec"]
    pooled = int(pooler["pgbouncer"]["parameters"]["default_pool_size"]) * pooler["instances"] * len(PARTS)
    limit = int(one(servers, "Cluster", "postgres")["spec"]["postgresql"]["parameters"]["max_connections"])
    assert clients <= int(pooler["pgbouncer"]["parameters"]["max_client_conn"]) * pooler["instances"]
    assert pooled + direct <= limit, (pooled, direct)


def test_the_wheel_of_the_image_is_built_by_what_the_others_are_built_by() -> None:
    group = tomllib.loads((checked.ROOT / "pyproject.toml").read_text())["dependency-groups"]["build"]
    build, wider = (
        (checked.ROOT / "requirements" / f"{name}.lock").read_text().splitlines() for name in ("build", "local")
    )
    locked = [line for line in build if "==" in line]
    assert len(locked) > len(group)
    assert set(locked) <= set(wider) | set((checked.ROOT / "requirements" / "test.lock").read_text().splitlines())
