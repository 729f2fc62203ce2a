"""The manifests are right, and each check of them can fail: a variant for each way to be wrong, and what is said."""

import copy
import re
import shutil
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from services.chassis.settings import ChassisSettings
from services.chassis.topics import topics
from tests.support.bad_manifests import VARIANTS, Manifest, one, settings_name, spec
from tests.support.require import require
from tools import manifests as checked
from tools import strimzi
from tools.manifest_crds import by_definitions, read_definitions
from tools.manifest_objects import containers, kind
from tools.manifest_routes import ways
from tools.manifest_rules import PARTS, fewest, quantity


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    return tuple(checked.render(overlay))


@pytest.fixture(autouse=True)
def _renderer() -> None:
    require("kustomize", None if checked.program() else "there is no kustomize, which renders the manifests")


@pytest.mark.parametrize("overlay", checked.OVERLAYS)
def test_every_overlay_is_right(overlay: str) -> None:
    assert list(checked.check(list(rendered(overlay)))) == []


@pytest.mark.parametrize(
    ("overlay", "spoil", "sentence"),
    [
        pytest.param(overlay, *variant, id=name)
        for overlay, variants in VARIANTS.items()
        for name, variant in variants.items()
    ],
)
def test_each_check_can_fail(overlay: str, spoil: Callable[[list[Manifest]], object], sentence: str) -> None:
    found = copy.deepcopy(list(rendered(overlay)))
    spoil(found)
    assert any(sentence in problem for problem in checked.check(found)), list(checked.check(found))


def test_an_ingress_takes_the_place_of_the_gateway() -> None:
    """Both lead to the same ports of the same services by the same hosts."""
    gateway, ingress = (list(rendered(overlay)) for overlay in ("production", "production+ingress"))
    assert kind(ingress, "GRPCRoute", "HTTPRoute") == []
    numbers = {
        (item["metadata"]["name"], port["name"]): port["port"]
        for item in kind(gateway, "Service")
        for port in item["spec"]["ports"]
    }
    led = {(way.path, way.service, numbers[way.service, str(way.port)]) for way in ways(ingress)}
    assert led == {(way.path, way.service, way.port) for way in ways(gateway)}
    hosts = {rule["host"] for item in kind(ingress, "Ingress") for rule in item["spec"]["rules"]}
    assert hosts == {host for item in kind(gateway, "GRPCRoute", "HTTPRoute") for host in item["spec"]["hostnames"]}


def test_every_line_that_may_be_switched_on_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of overlay production that stand in comments, all at once."""
    before = rendered("production")
    for folder in ("kubernetes", "observability"):
        shutil.copytree(checked.ROOT / "deploy" / folder, tmp_path / folder)
    production = tmp_path / "kubernetes" / "overlays" / "production"
    switched = 0
    for path in (production / "kustomization.yaml", *(production / "settings").iterdir()):
        text, count = _OFF.subn(r"\1\2", path.read_text())
        path.write_text(text)
        switched += count
    monkeypatch.setattr(checked, "KUBERNETES", tmp_path / "kubernetes")
    found = checked.render("production")
    assert switched == 10
    assert list(checked.check(found)) == []
    kinds = {item["kind"] for item in found} ^ {item["kind"] for item in before}
    assert kinds == {"Ingress", "GRPCRoute", "HTTPRoute", "PodMonitor", "PrometheusRule"}
    known = one(found, "ConfigMap", settings_name(found))["data"]
    assert {"GROUPBUY_KAFKA_CA", "GROUPBUY_TRACES_ENDPOINT", "GROUPBUY_ENVIRONMENT"} <= set(known)
    assert list(checked.check(checked.render("production/prepare"))) == []


_OFF = re.compile(r"^( *)# ((?:components:|(?:  )?- \.\./|GROUPBUY_).*)$", re.MULTILINE)


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


DEFINITION = """
kind: CustomResourceDefinition
spec:
  group: keda.sh
  names: {kind: ScaledObject}
  versions:
    - name: v1alpha1
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              x-kubernetes-preserve-unknown-fields: true
              properties:
                cooldownPeriod: {type: integer, format: int32}
                maxReplicaCount: {x-kubernetes-int-or-string: true}
                scaleTargetRef:
                  type: object
                  properties: {name: {type: string}}
            status: {type: object}
"""


def test_definitions_that_lie_in_a_folder_are_strict(tmp_path: Path) -> None:
    (tmp_path / "keda.yaml").write_text(f"---\n{DEFINITION}---\nkind: Namespace\n")
    found = copy.deepcopy(list(rendered("production")))
    scaled = spec(found, "ScaledObject", "pricing-consumer")
    scaled.update(cooldownPeriod="long", scaleTargetRef={"name": "pricing-consumer"})
    others = [item for item in found if item["kind"] == "ScaledObject" and item["spec"] is not scaled]
    problems = list(by_definitions(found, read_definitions(tmp_path)))
    assert "ScaledObject pricing-consumer: spec.cooldownPeriod: 'long' is not of type 'integer'" in problems
    assert len(problems) == 1 + len(others)
    assert sum("'envSourceContainerName' was unexpected" in problem for problem in problems) == len(others)


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
    """The connection budget of docs/kubernetes.md: all parts at the most replicas, while they roll out."""
    found, servers = list(rendered("example")), list(rendered("example/prepare"))
    pool = ChassisSettings.model_fields["database_pool"].default
    clients = len(PARTS) * len(kind(found, "CronJob"))
    direct = sum(item["metadata"]["name"].startswith("migrate-") for item in kind(servers, "Job"))
    for item in kind(found, "Deployment"):
        part = containers(item)[0]["command"][3]
        clients += processes(found, item) * (0 if part == "demand" else pool + (6 if part == "web" else 0))
        direct += processes(found, item) * {"demand": 0, "relay": 2}.get(part, 1)
    pooler = spec(servers, "Pooler", "pooler")
    pooled = int(pooler["pgbouncer"]["parameters"]["default_pool_size"]) * pooler["instances"] * len(PARTS)
    limit = int(spec(servers, "Cluster", "postgres")["postgresql"]["parameters"]["max_connections"])
    # one of the poolers may be away
    assert clients <= int(pooler["pgbouncer"]["parameters"]["max_client_conn"]) * (pooler["instances"] - 1)
    assert pooled + direct <= limit, (pooled, direct)
    page = (checked.ROOT / "docs" / "kubernetes.md").read_text()
    for words in (
        f"{clients} pooled and {direct} direct",
        f"{pooled} + {direct} = {pooled + direct}",
        f"gives it {limit}",
    ):
        assert words in page, words


def test_the_page_says_what_each_part_asks_for() -> None:
    """What was measured is asked for, and is what the manifests say."""
    page = (checked.ROOT / "docs" / "kubernetes.md").read_text()
    rows = {row[1]: row for row in _ROW.finditer(page)}
    found = {item["metadata"]["name"]: containers(item)[0] for item in kind(list(rendered("production")), "Deployment")}
    assert set(rows) == set(found)
    for name, part in found.items():
        asked, most = part["resources"]["requests"], part["resources"]["limits"]
        row = rows[name]
        assert (row["asked"], row["limit"]) == (f"{asked['cpu']}, {asked['memory']}", most["memory"]), name
        assert "cpu" not in most
        assert int(row["used"]) <= quantity(asked["cpu"]) * 1000, name
        assert int(row["idle"]) <= int(row["most"]) <= quantity(asked["memory"]) / 2**20, name


_ROW = re.compile(
    r"^\| `([a-z-]+)` \| (?P<used>\d+)m[^|]* \| (?P<idle>\d+), (?P<most>\d+) \| (?P<asked>[^|]+) \| (?P<limit>\S+) \|$",
    re.MULTILINE,
)


def processes(found: list[Manifest], item: Manifest) -> int:
    """The most processes of a part: at the most replicas, with those that a roll-out adds."""
    scalers = [
        scaler["spec"].get("maxReplicas") or scaler["spec"]["maxReplicaCount"]
        for scaler in kind(found, "HorizontalPodAutoscaler", "ScaledObject")
        if scaler["spec"]["scaleTargetRef"]["name"] == item["metadata"]["name"]
    ]
    most: int = max([item["spec"].get("replicas", 1), *scalers])
    return most + int(item["spec"]["strategy"]["rollingUpdate"]["maxSurge"])


def test_the_wheel_of_the_image_is_built_by_what_the_others_are_built_by() -> None:
    group = tomllib.loads((checked.ROOT / "pyproject.toml").read_text())["dependency-groups"]["build"]
    build, wider = (
        (checked.ROOT / "requirements" / f"{name}.lock").read_text().splitlines() for name in ("build", "local")
    )
    locked = [line for line in build if "==" in line]
    assert len(locked) > len(group)
    assert set(locked) <= set(wider) | set((checked.ROOT / "requirements" / "test.lock").read_text().splitlines())
