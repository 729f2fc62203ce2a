"""Another release of the engine, taken from the history of this repository, to be run beside ours."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.stack.services import python_program
from tests.support.require import require

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Release:
    """Code and protos below a folder; what it needs besides is what ours needs."""

    tree: Path

    def argv(self, module: str, *arguments: str) -> list[str]:
        """Give the command that runs one of its modules."""
        return python_program(module, *arguments)

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes Python find its code before ours."""
        return {**os.environ, "PYTHONPATH": f"{self.tree}:{self.tree / 'gen'}"}

    def run(self, *words: str, **environment: str) -> str:
        """Run one of its modules to the end, and give what it printed."""
        done = subprocess.run(
            self.argv(*words),
            cwd=self.tree,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words} of {self.tree.name} failed:\n{done.stdout}{done.stderr}"
        return done.stdout


OURS = Release(ROOT)


def release_of(commit: str, folder: Path) -> Release:
    """Take the release of a commit out of the history; skip the test, or fail where it is required, without that."""
    require("history", _missing(commit))
    tree = folder / f"release-{commit}"
    tree.mkdir()
    with subprocess.Popen(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE) as git:
        assert git.stdout is not None, "it is piped"
        with tarfile.open(fileobj=git.stdout, mode="r|") as archive:
            archive.extractall(tree, filter="data")
    made = Release(tree)
    done = subprocess.run(
        [sys.executable, "tools/generate.py"],
        cwd=tree,
        env=made.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def _missing(commit: str) -> str | None:
    """Say why a commit cannot be had."""
    try:
        done = subprocess.run(
            ["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        return "the release before is taken from the history, and there is no git"
    if done.returncode == 0:
        return None
    return f"the release before is commit {commit}, which this clone does not have: git fetch --unshallow brings it"
