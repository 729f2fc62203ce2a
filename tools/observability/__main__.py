"""Writes dashboards, the rules of the objectives, and all rules for the operator: `python -m tools.observability`."""

import json
import sys
from pathlib import Path

from tools.observability.campaign import campaign_live
from tools.observability.grafana import Board
from tools.observability.overview import overview
from tools.observability.services import TITLES, service_board
from tools.observability.slos import rules

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "observability"
_RULE = """\
# Made by `.venv/bin/python -m tools.observability` from alerts/: do not edit.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: groupbuy
  namespace: groupbuy
  labels: {app.kubernetes.io/part-of: groupbuy}
spec:
  groups:
"""


def boards() -> list[Board]:
    """Make every board."""
    return [overview(), *map(service_board, TITLES), campaign_live()]


def files() -> dict[Path, str]:
    """Make every file, by its place."""
    made = {
        FOLDER / "dashboards" / f"{board.uid.removeprefix('groupbuy-')}.json": json.dumps(board.json(), indent=2) + "\n"
        for board in boards()
    }
    slo = rules()
    engine = (FOLDER / "alerts" / "engine.yaml").read_text(encoding="utf-8")
    wrapped = _for_the_operator(engine, slo)
    return {**made, FOLDER / "alerts" / "slo.yaml": slo, FOLDER / "operator" / "prometheusrule.yaml": wrapped}


def _for_the_operator(*rule_files: str) -> str:
    """Wrap rules as the Prometheus Operator takes them."""
    groups = "".join(f"  {line}" for text in rule_files for line in _groups(text).splitlines(keepends=True))
    return f"{_RULE}{groups}"


def _groups(text: str) -> str:
    return text.partition("groups:\n")[2]


def main() -> int:
    """Write them."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
