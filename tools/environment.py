"""Makes the virtual environment of a clone, installs a locked group into it and generates the protobuf code.

    python3 tools/environment.py local    what `groupbuy up` and `groupbuy demo` need
    python3 tools/environment.py test     the same, with what lint and tests need

It is quick when nothing changed: the environment keeps the digest of what was installed last. Of two calls at once one
waits. Only the standard library and pip are used.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
GROUPS = ("local", "test")
PIP_OPTIONS = ["--quiet", "--disable-pip-version-check", "--no-input"]


class SetupError(Exception):
    """A problem that the user can solve; the text says what is wrong and how."""


def main(arguments: list[str]) -> int:
    """Set up the group named on the command line; 0 when it stands, 1 with a message when it does not."""
    try:
        group = parse(arguments)
        with only_one():
            make_venv()
            install_locked(group)
            install_project()
            generate()
    except SetupError as problem:
        print(f"groupbuy setup: {problem}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: list[str]) -> str:
    """Return the one group that the command line names."""
    if len(arguments) != 1 or arguments[0] not in GROUPS:
        raise SetupError(f"usage: python3 tools/environment.py {'|'.join(GROUPS)}")
    return arguments[0]


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the clone's setup lock: a second terminal waits here instead of writing into the same environment."""
    with (ROOT / ".setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("groupbuy setup: another setup of this clone is running, waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_venv() -> None:
    """Create .venv, or create it anew if its interpreter is gone, moved with the clone, or of another version."""
    seal = f"{sys.version_info[0]}.{sys.version_info[1]} {VENV}"
    if PYTHON.exists() and remembered("environment") == seal:
        return
    say(f"creating .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    has_ensurepip = run([sys.executable, "-c", "import ensurepip"], quiet=True)
    if not run([sys.executable, "-m", "venv", *([] if has_ensurepip else ["--without-pip"]), str(VENV)]):
        raise SetupError(
            f"{sys.executable} cannot create a virtual environment; the lines above say why.\n"
            "On Debian and Ubuntu the remedy is:  apt install python3-venv"
        )
    if not has_ensurepip and not run([sys.executable, "-m", "pip", "--version"], quiet=True):
        raise SetupError(
            f"{sys.executable} has neither ensurepip nor pip, so nothing can be installed.\n"
            "On Debian and Ubuntu the remedy is:  apt install python3-venv python3-pip"
        )
    remember("environment", seal)


def install_locked(group: str) -> None:
    """Install requirements/<group>.lock, unless exactly that is installed already (`test` contains `local`)."""
    wanted = {name: digest(ROOT / "requirements" / f"{name}.lock") for name in GROUPS}
    if any(remembered(name) == wanted[name] for name in GROUPS[GROUPS.index(group) :]):
        return
    say(f"installing requirements/{group}.lock (about half a minute)")
    if not pip(
        "install", "--require-hashes", "--no-deps", "--requirement", str(ROOT / "requirements" / f"{group}.lock")
    ):
        raise SetupError(
            "pip could not install the locked packages; its lines above say why.\n"
            "If a connection failed: is there a network? Behind a proxy set HTTPS_PROXY, for an index of your own\n"
            "PIP_INDEX_URL. Then run the command again."
        )
    for name in GROUPS[: GROUPS.index(group) + 1]:
        remember(name, wanted[name])


def install_project() -> None:
    """Put the clone itself on the environment's path and the command `groupbuy` into its bin folder."""
    wanted = digest(ROOT / "pyproject.toml")
    if remembered("project") == wanted:
        return
    say("installing the command groupbuy")
    if not pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)):
        raise SetupError("pip could not install this clone; its lines above say why.")
    remember("project", wanted)


def generate() -> None:
    """Generate the protobuf code, if a proto changed."""
    if not run([str(PYTHON), str(ROOT / "tools" / "generate.py")]):
        raise SetupError("the protobuf code could not be generated; the lines above name file and line.")


def pip(*arguments: str) -> bool:
    """Run pip for the environment: its own, or the one outside where the environment could not be given one."""
    inside = (VENV / "bin" / "pip").exists()
    command = [str(PYTHON), "-m", "pip"] if inside else [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    return run([*command, *arguments, *PIP_OPTIONS])


def run(command: list[str], *, quiet: bool = False) -> bool:
    """Run a command; tell whether it succeeded."""
    silence = subprocess.DEVNULL if quiet else None
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    environment.pop("PYTHONHOME", None)
    return subprocess.run(command, env=environment, stdout=silence, stderr=silence, check=False).returncode == 0


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def remembered(name: str) -> str | None:
    """Return what was remembered under a name in the environment, None if nothing was."""
    path = VENV / f".groupbuy-{name}"
    return path.read_text() if path.exists() else None


def remember(name: str, value: str) -> None:
    """Remember a value in the environment; it goes when the environment goes."""
    (VENV / f".groupbuy-{name}").write_text(value)


def say(text: str) -> None:
    """Tell the user what takes the time."""
    print(f"groupbuy setup: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
