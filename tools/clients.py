"""Builds the packages that a shop installs into dist/: a wheel for Python, and where Node is a package for npm.

    .venv/bin/python tools/clients.py

Nothing is published: put them where your shop's tools look for packages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PYTHON = ROOT / "clients" / "python"
TYPESCRIPT = ROOT / "clients" / "typescript"


def main() -> int:
    """Build both; the exit code of the first program that failed."""
    DIST.mkdir(exist_ok=True)
    try:
        wheel(DIST)
        if shutil.which("npm") is None:
            print("clients: the package for TypeScript needs npm (on Debian and Ubuntu: apt install npm)")
        else:
            npm_package(DIST)
    except subprocess.CalledProcessError as problem:
        return problem.returncode
    return 0


def wheel(folder: Path) -> None:
    """Build the wheel, with the generated code in it."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=PYTHON, check=True
    )


def npm_package(folder: Path) -> None:
    """Compile the client and pack it, with the compiler that its lock names."""
    # Not `npm ci`: it refuses a lock without the binaries for systems that a registry does not serve.
    for command in (
        ["npm", "install", "--no-save", "--ignore-scripts", "--silent"],
        ["npm", "run", "build", "--silent"],
        ["npm", "pack", "--silent", "--pack-destination", str(folder)],
    ):
        subprocess.run(command, cwd=TYPESCRIPT, check=True)


if __name__ == "__main__":
    sys.exit(main())
