"""What ships, from the lock: read by sbom.py and audit.py, whose programs have an environment of their own."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "runtime.lock"
LICENCES = ROOT / "requirements" / "licences.toml"
VENV = ROOT / ".venv-supply"

_PIN = re.compile(r"(?P<name>[a-z0-9.-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))? *\\?$")
_HASH = re.compile(r" +--hash=sha256:(?P<digest>[0-9a-f]{64}) *\\?$")


@dataclass
class Locked:
    """One package of a lock, with the SHA-256 of each file that may be installed of it."""

    name: str
    version: str
    marker: str = ""
    """On which machines it is installed; empty for all."""
    hashes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Licences:
    """What `requirements/licences.toml` says."""

    allowed: frozenset[str]
    exceptions: dict[str, str]
    packages: dict[str, str]
    files: dict[str, str]

    def problems(self, locked: list[Locked]) -> Iterator[str]:
        """Tell of packages whose licence is not known or not allowed, and of what is said in vain."""
        for item in locked:
            expression = self.packages.get(item.name)
            if expression is None:
                yield f"{item.name} {item.version} has no licence in {LICENCES.name}: read it, and add it there"
            elif item.name not in self.exceptions and not self.allows(expression):
                yield f"{item.name} is under {expression}, which is not allowed: do without it, or say why it may ship"
        names = {item.name for item in locked}
        for name in sorted((set(self.packages) | set(self.exceptions)) - names):
            yield f"{name} is in {LICENCES.name}, and not in {LOCK.name} any more"
        for name in sorted(set(self.exceptions) & set(self.packages)):
            if self.allows(self.packages[name]):
                yield f"{name} needs no exception: {self.packages[name]} is allowed"

    def allows(self, expression: str) -> bool:
        """Tell whether an SPDX expression is allowed: one of its choices, all parts of it."""
        choices = [choice.split(" AND ") for choice in expression.split(" OR ")]
        return any(all(part.strip("() ") in self.allowed for part in parts) for parts in choices)


def read_lock(path: Path = LOCK) -> list[Locked]:
    """Read a lock; ValueError for a line that is neither a pin nor a hash."""
    locked: list[Locked] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := _PIN.match(line):
            locked.append(Locked(found["name"], found["version"], found["marker"] or ""))
        elif found := _HASH.match(line):
            locked[-1].hashes.append(found["digest"])
        elif line.strip():
            raise ValueError(f"{path.name}: a line that is no pin and no hash: {line}")
    return locked


def read_licences(path: Path = LICENCES) -> Licences:
    """Read the table of licences."""
    said = tomllib.loads(path.read_text(encoding="utf-8"))
    return Licences(frozenset(said["allowed"]), said["exceptions"], said["packages"], said["files"])


def environment() -> Path:
    """Make the environment of the tools, or leave it as it is; its Python. CalledProcessError where pip cannot."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    lock = ROOT / "requirements" / "supply.lock"
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--require-hashes", "--requirement", str(lock)], check=True)
    return python
