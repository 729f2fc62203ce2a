"""Resolves the dependencies of pyproject.toml into requirements/*.lock, with hashes and without the name of any index.

    python3 tools/lock.py              keeps what is locked as far as pyproject.toml allows
    python3 tools/lock.py --upgrade    takes the newest versions that pyproject.toml allows

Each lock contains the one before it: runtime (what an image needs), local (and what `groupbuy up` needs from a clone),
test (and what lint and tests need). The resolver has an environment of its own, locked too, and so have the tools that
list and audit what ships, and the stage of the image that makes the wheel.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = Path("requirements")
VENV = ROOT / ".venv-lock"
# From the widest to the narrowest, so that each takes its versions from the one before.
SELECTIONS = {
    "test": ["--extra=local", "--group=build", "--group=test"],
    "local": ["--extra=local", "--group=build"],
    "runtime": [],
}
TOGETHER = ["--constraint", str(LOCKS / "test.lock")]
FORM = [
    "--generate-hashes",
    "--universal",
    "--python-version=3.11",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
]


def main(options: list[str]) -> int:
    """Write all locks; the exit code of the first program that failed."""
    try:
        install_resolver()
        for name, selection in SELECTIONS.items():
            widest = [] if name == "test" else TOGETHER
            resolve("pyproject.toml", *selection, *widest, *options, output=LOCKS / f"{name}.lock")
        resolve("pyproject.toml:build", *TOGETHER, *options, output=LOCKS / "build.lock")
        for group in ("lock", "supply"):
            resolve(f"pyproject.toml:{group}", *options, output=LOCKS / f"{group}.lock")
    except subprocess.CalledProcessError as problem:
        return problem.returncode
    return 0


def install_resolver() -> None:
    """Make the resolver's environment; pip sees by itself whether something is to be done."""
    if not (VENV / "bin" / "python").exists():
        run(sys.executable, "-m", "venv", str(VENV))
    pip = (str(VENV / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "install", "--require-hashes", "--requirement", str(LOCKS / "lock.lock"))


def resolve(source: str, *options: str, output: Path) -> None:
    """Resolve one selection; `file:group` takes a dependency group alone."""
    file, _, group = source.partition(":")
    selection = ["--group", f"{file}:{group}"] if group else [file]
    run(str(VENV / "bin" / "uv"), "pip", "compile", *FORM, *options, "--output-file", str(output), *selection)


def run(*command: str) -> None:
    """Run a program in the repository's folder; raises CalledProcessError when it fails."""
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
