"""Asks the advisory services whether something that ships has a known vulnerability.

    python3 -m tools.audit [LOCK]     requirements/runtime.lock where none is named

Exit codes: 0 where every package was looked up and none has one, 1 where some have, 3 where not all could be looked up:
that is not a pass. The data are those of the Python packaging index, and OSV's where these cannot be had.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools import supply

CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 3
SERVICES = ("pypi", "osv")
SECONDS = 300


@dataclass
class Audit:
    """What one service said of a lock."""

    looked_up: int = 0
    unknown: list[str] = field(default_factory=list)
    """Packages that it could not look up."""
    vulnerable: list[str] = field(default_factory=list)
    trouble: str = ""
    """Why it gave no answer at all."""

    @property
    def code(self) -> int:
        """The exit code that follows."""
        if self.vulnerable:
            return VULNERABLE
        return CLEAN if self.looked_up and not self.unknown and not self.trouble else NOT_AUDITED


def main(arguments: list[str]) -> int:
    """Ask one service after the other until one has looked everything up."""
    lock = Path(arguments[0]) if arguments else supply.LOCK
    try:
        program = supply.environment().parent / "pip-audit"
    except subprocess.CalledProcessError:
        print(f"{lock.name}: NOT AUDITED, pip-audit could not be installed", file=sys.stderr)
        return NOT_AUDITED
    code = NOT_AUDITED
    for service in SERVICES:
        found = ask(program, lock, service)
        print(told(lock, service, found))
        code = found.code
        if code != NOT_AUDITED:
            break
    return code


def ask(program: Path, lock: Path, service: str) -> Audit:
    """Have pip-audit ask a service about every package of a lock."""
    options = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=10"]
    command = [str(program), "--requirement", str(lock), f"--vulnerability-service={service}", *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return Audit(trouble=f"no answer within {SECONDS} seconds")
    return read(done.stdout, done.stderr)


def read(output: str, errors: str) -> Audit:
    """Read what pip-audit wrote: a package that it skipped was not looked up, whatever its exit code says."""
    try:
        said: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        lines = errors.strip().splitlines()
        return Audit(trouble=lines[-1][:300] if lines else "pip-audit said nothing")
    audit = Audit()
    for item in said:
        if "skip_reason" in item:
            audit.unknown.append(item["name"])
            continue
        audit.looked_up += 1
        audit.vulnerable += [
            f"{item['name']} {item['version']}: {one['id']}, fixed in {', '.join(one['fix_versions']) or 'none yet'}"
            for one in item["vulns"]
        ]
    return audit


def told(lock: Path, service: str, audit: Audit) -> str:
    """Say in plain words what came out."""
    asked = f"{lock.name}, asked {service}"
    if audit.vulnerable:
        return f"{asked}: {len(audit.vulnerable)} known vulnerabilities\n  " + "\n  ".join(audit.vulnerable)
    if audit.code == CLEAN:
        return f"{asked}: {audit.looked_up} packages looked up, no known vulnerability"
    why = audit.trouble or f"{len(audit.unknown)} packages could not be looked up, {audit.looked_up} could"
    return f"{asked}: NOT AUDITED: {why}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
