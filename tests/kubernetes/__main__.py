"""Runs the test: `python -m tests.kubernetes`, as root. Exit code 0: all held; 1: something did not; 3: not here.

The outer process builds, borrows a network and all else of the machine, and gives it back however the inner one ends,
which runs the cluster and the test within that network.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.kafka.jars import default_cache as kafka_cache
from deploy.local.kafka.jars import fetch
from deploy.local.lock import FolderLock
from tests.kubernetes import image, machine
from tests.kubernetes.borrowed import borrowed, within
from tests.kubernetes.errors import CannotRunError, ClusterError, FoundError
from tests.kubernetes.node import NODES
from tests.kubernetes.programs import Programs
from tests.kubernetes.run import run

FAILED, CANNOT = 1, 3
_PATIENCE_SECONDS = 60.0


def main(arguments: list[str]) -> int:
    """Give the exit code."""
    options = _parser().parse_args(arguments)
    cache = options.cache.resolve()
    programs, folder = Programs(cache), cache / "run"
    try:
        if options.inside:
            asyncio.run(
                run(
                    folder,
                    programs,
                    options.image,
                    controls_too=not options.no_controls,
                    hold=options.hold,
                    quick=options.quick,
                )
            )
            return 0
        return _outside(options, cache, programs, arguments)
    except (CannotRunError, LocalError) as problem:
        print(problem, file=sys.stderr)
        return CANNOT
    except (ClusterError, FoundError) as problem:
        print(f"FAILED: {problem}", file=sys.stderr)
        return FAILED


def _outside(options: argparse.Namespace, cache: Path, programs: Programs, arguments: list[str]) -> int:
    machine.check(programs.binary)
    cache.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(cache / "lock")
    if not lock.acquire():
        raise CannotRunError(f"Process {lock.holder()} runs a cluster from {cache}: one at a time.")
    programs.build(print)
    if options.build:
        return 0
    image.check(options.image)
    asyncio.run(fetch(kafka_cache()))  # there is no way out of the cluster's network
    with borrowed(cache / "run", tuple(node.name for node in NODES)):
        return _inner([*within(), sys.executable, "-m", "tests.kubernetes", "--inside", *arguments])


def _inner(command: list[str]) -> int:
    """Run the inner process; whoever interrupts us interrupts it, and it may end in order."""
    process = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: process.send_signal(received))
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kubernetes", description=__doc__)
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "groupbuy" / "kubernetes"
    parser.add_argument("--cache", type=Path, default=usual, help=f"what is built is kept there (default {usual})")
    parser.add_argument("--image", type=Path, default=image.ARCHIVE, help="the engine's image, an OCI archive")
    parser.add_argument("--build", action="store_true", help="build the programs of Kubernetes, and no more")
    parser.add_argument("--no-controls", action="store_true", help="leave out the negative controls")
    parser.add_argument("--quick", action="store_true", help="roll those Deployments alone that answer RPCs")
    parser.add_argument("--hold", action="store_true", help="wait for Enter once the engine is installed")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
