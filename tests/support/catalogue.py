"""The bodies of events that docs/events.md shows."""

import json
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"


def bodies() -> list[dict[str, Any]]:
    """Read them all."""
    return [json.loads(found) for found in re.findall(r"```json\n(.*?)\n```", PAGE.read_text(), re.DOTALL)]
