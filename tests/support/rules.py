"""Alert rules and dashboards of deploy/observability, as tests look at them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy" / "observability" / "alerts"
DASHBOARDS = ROOT / "deploy" / "observability" / "dashboards"
RUNBOOKS = ROOT / "docs" / "runbooks"


def rules() -> list[dict[str, Any]]:
    """Every rule, recording ones too."""
    found = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(ALERTS.glob("*.yaml"))]
    return [rule for file in found for group in file["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """The alerts by name; of those with several rules, the first."""
    found: dict[str, dict[str, Any]] = {}
    for rule in rules():
        if "alert" in rule:
            found.setdefault(rule["alert"], rule)
    return found


def dashboards() -> dict[str, dict[str, Any]]:
    """The dashboards as they are imported, by the name of their file."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}


def targets(board: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that a board asks, with the title of its panel."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target


def asked() -> Iterator[tuple[str, str]]:
    """Every expression of PromQL: where it stands, and itself with Grafana's variables filled in."""
    for rule in rules():
        yield f"rule {rule.get('alert') or rule['record']}", rule["expr"]
    for name, board in dashboards().items():
        for title, target in targets(board):
            if "expr" in target:
                yield f"{name}: {title}", target["expr"].replace("$__rate_interval", "5m")
