"""Prometheus' own tool, which reads rules as the server does, and plays series to them."""

import shutil
import subprocess
from pathlib import Path

from tests.support.require import require

_WHERE = "alert rules are read by promtool (on Debian and Ubuntu: apt install --no-install-recommends prometheus)"


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it; a stated skip where it is not installed."""
    program = shutil.which("promtool")
    require("promtool", None if program else _WHERE)
    return subprocess.run(
        [program or "", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )
