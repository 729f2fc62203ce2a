"""Where the benchmark finds the repository, and the environment its programs get."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


def environment(**more: str) -> dict[str, str]:
    """The environment of a program of ours: this repository's code goes before any that is installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GROUPBUY_")}
    return {**kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen'}", **more}
