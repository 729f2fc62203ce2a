"""Runs every check that needs no server, all of them even if one fails, and says which failed.

Protos are linted, and compared with what was released, by buf, which needs Node. Without Node that is skipped and says
so, or fails if GROUPBUY_REQUIRE names buf.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUF = ROOT / "tools" / "buf"
RELEASED = BUF / "released"
CHECKS = {
    "style": ["ruff", "check", "--quiet", "."],
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "types": ["mypy", "--no-error-summary"],
    "layout": ["pytest", "--quiet", "--no-header", "tests/unit/test_layout.py"],
}


def main() -> int:
    """Run the checks; 1 if one failed."""
    results = {name: passes([sys.executable, "-m", *command]) for name, command in CHECKS.items()}
    missing = buf_missing()
    results["protos"] = missing or passes([buf(), "lint"])
    results["released"] = missing or promises_kept(ROOT)
    for name, result in results.items():
        print(f"{name:<8} {result}")
    return int(any(result.startswith("FAILED") for result in results.values()))


def passes(command: list[str], folder: Path = ROOT) -> str:
    """Run one check in the repository's folder, or another, and return its result in words; it prints what it found."""
    return "ok" if subprocess.run(command, cwd=folder, check=False).returncode == 0 else "FAILED"


def promises_kept(folder: Path) -> str:
    """Compare the protos in a folder with the image of each release that is kept; see CONTRIBUTING.md."""
    images = sorted(RELEASED.glob("*.binpb"))
    if not images:
        return f"FAILED: {RELEASED} has no image of a release to compare with"
    broken = [image.stem for image in images if passes([buf(), "breaking", "--against", str(image)], folder) != "ok"]
    return f"FAILED: callers of {' and '.join(broken)} would break, see above" if broken else "ok"


def buf() -> str:
    """Name the program."""
    return str(BUF / "node_modules" / ".bin" / "buf")


def buf_missing() -> str:
    """Tell why there is no buf, as the result of its checks; empty where it is, installed now if need be."""
    if shutil.which("npm") is None:
        missing = "buf needs Node, and there is no npm on the PATH (on Debian and Ubuntu: apt install npm)"
        required = "buf" in os.environ.get("GROUPBUY_REQUIRE", "").replace(" ", "").split(",")
        return f"FAILED: {missing}" if required else f"skipped: {missing}"
    if not buf_is_installed():
        # Not `npm ci`: it refuses a lock without the binaries for systems that a registry does not serve.
        install = ["npm", "install", "--no-save", "--ignore-scripts", "--silent"]
        if subprocess.run(install, cwd=BUF, check=False).returncode != 0:
            return "FAILED: npm could not install buf, see above"
    return ""


def buf_is_installed() -> bool:
    """Tell whether npm's record of the last installation is newer than the lock."""
    record = BUF / "node_modules" / ".package-lock.json"
    return record.exists() and record.stat().st_mtime >= (BUF / "package-lock.json").stat().st_mtime


if __name__ == "__main__":
    sys.exit(main())
