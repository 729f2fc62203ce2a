"""Starts every part from the image's root file system, without a container engine, and has each end on TERM.

    python -m tools.image_smoke       after `make image`, as root

The root file system is read-only, the user the image's own, /tmp the only place to write, as in a pod. PostgreSQL and
the broker of the local stack run beside it. A part must be alive and ready, say what its memory is, and end by itself.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.postgres import LocalPostgres
from deploy.local.stack.kept import Kept
from tools.image import ARCHIVE
from tools.image_archive import unpack
from tools.manifest_rules import PARTS

READY_SECONDS = 120.0
JOBS = (
    ["groupbuy", "migrate", "--wait", "60"],
    ["groupbuy", "topics", "--wait", "60"],
    ["groupbuy", "check", "--wait", "0"],
)
END_SECONDS = 40.0
"""Of the 60 that a pod has."""
_ENTER = """
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind /proc "$1/proc"
mount --bind /dev "$1/dev"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount -o remount,bind,ro "$1"
root=$1
shift
exec chroot --userspec=65532:65532 "$root" "$@"
"""


@dataclass(frozen=True)
class Told:
    """What a part showed of itself."""

    name: str
    ready_seconds: float
    megabytes: float
    end_seconds: float


def main() -> int:
    """Start all parts, one after another; 0 where each did as it should."""
    if os.geteuid() or not ARCHIVE.exists():
        print("make image-smoke: build the image first (make image), and run this as root", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="groupbuy-image-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's user has to get to its own folder
        root = Path(folder) / "root"
        unpack(ARCHIVE, root)
        return asyncio.run(smoke(root, Path(folder)))


async def smoke(root: Path, folder: Path) -> int:
    """Run the Jobs, then every part; print what each took."""
    began = time.monotonic()
    async with servers(folder) as (database, kafka):
        environment = settings(root, database, kafka)
        for job in JOBS:
            process = await enter(root, job, environment)
            if await process.wait():
                print(f"make image-smoke: {' '.join(job)} failed", file=sys.stderr)
                return 1
        for service, parts in PARTS.items():
            for part in sorted(parts):
                told = await run_part(root, service, part, environment)
                print(f"{told.name:24} ready {told.ready_seconds:5.1f} s  {told.megabytes:4.0f} MB"
                      f"  ended {told.end_seconds:4.1f} s after TERM", flush=True)  # fmt: skip
    print(f"every part starts from the image and drains ({time.monotonic() - began:.0f} s)")
    return 0


async def run_part(root: Path, service: str, part: str, environment: dict[str, str]) -> Told:
    """Start a part, wait until it is ready, end it; RuntimeError where it does not."""
    ops = free_port()
    listening = {name: f"127.0.0.1:{free_port()}" for name in ("LISTEN", "HTTP_LISTEN", "WEB_LISTEN")}
    own = {**environment, **{f"GROUPBUY_{name}": address for name, address in listening.items()},
           "GROUPBUY_OPS_LISTEN": f"127.0.0.1:{ops}"}  # fmt: skip
    began = time.monotonic()
    process = await enter(root, ["python", "-m", f"services.{service}", part], own)
    try:
        while not await asyncio.to_thread(answers, f"http://127.0.0.1:{ops}/readyz"):
            if process.returncode is not None or time.monotonic() - began > READY_SECONDS:
                raise RuntimeError(f"{service} {part} is not ready ({process.returncode=})")
            await asyncio.sleep(0.1)
        ready = time.monotonic() - began
        megabytes = resident(process.pid)
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        code = await asyncio.wait_for(process.wait(), END_SECONDS)
        if code:
            raise RuntimeError(f"{service} {part} ended with exit code {code} on TERM")
    finally:
        if process.returncode is None:
            process.kill()
    return Told(f"{service} {part}", ready, megabytes, time.monotonic() - asked)


async def enter(root: Path, command: list[str], environment: dict[str, str]) -> asyncio.subprocess.Process:
    """Start a command in the root file system, as a pod would."""
    return await asyncio.create_subprocess_exec(
        "unshare", "--mount", "sh", "-c", _ENTER, "enter", str(root), *command, env=environment
    )


@asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Run PostgreSQL and the local broker; their addresses."""
    postgres = LocalPostgres(folder / "postgres", free_port(), log=folder / "postgres.log")
    kafka = f"127.0.0.1:{free_port()}"
    await postgres.start()
    broker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.local.broker", "--data", str(folder / "kafka"), "--port", kafka.split(":")[1],
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield postgres.url, kafka
    finally:
        broker.terminate()
        await broker.wait()
        await postgres.stop()


def settings(root: Path, database: str, kafka: str) -> dict[str, str]:
    """What a pod's settings and Secrets would say, and the image itself."""
    kept = Kept()
    # the image's own, which an engine would set
    own = {"PATH": "/opt/groupbuy/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8",  # noqa: S108
           "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    if not (root / "opt/groupbuy/bin/python").is_symlink() or not shutil.which("unshare"):
        raise RuntimeError("the image has no Python, or this machine no unshare")
    return own | {
        "GROUPBUY_DATABASE_URL": database,
        "GROUPBUY_KAFKA": kafka,
        "GROUPBUY_TEAM_FORMATION": "127.0.0.1:1",
        "GROUPBUY_PRICING": "127.0.0.1:1",
        "GROUPBUY_NOTIFICATION": "127.0.0.1:1",
        "GROUPBUY_SERVICE_KEY": kept.service_key,
        "GROUPBUY_INVITE_SECRET": kept.invite_secret,
        "GROUPBUY_QUOTE_KEYS": kept.quote_keys,
        "GROUPBUY_HANDOVER_KEYS": kept.handover_keys,
        "GROUPBUY_SEAL_KEYS": kept.seal_keys,
        "GROUPBUY_LOG_LEVEL": "warning",
    }


def free_port() -> int:
    """Find a port that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(url: str) -> bool:
    """Tell whether a readiness check says yes."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except OSError:
        return False


def resident(pid: int) -> float:
    """Give the resident memory of a process in megabytes."""
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main())
