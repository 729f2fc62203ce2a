"""Writes deploy/observability/dashboards and the rules of the objectives: `python -m tools.observability`."""

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


def boards() -> list[Board]:
    """Make every board."""
    return [overview(), *map(service_board, TITLES), campaign_live()]


def files() -> dict[Path, str]:
    """Make every file, by its place."""
    made = {
        FOLDER / "dashboards" / f"{board.uid.removeprefix('groupbuy-')}.json": json.dumps(board.json(), indent=2) + "\n"
        for board in boards()
    }
    return {**made, FOLDER / "alerts" / "slo.yaml": rules()}


def main() -> int:
    """Write them."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
