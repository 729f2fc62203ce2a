"""A disk of some megabytes that holds one database of a server and can be filled: a file system in memory."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.local.osuser import unprivileged
from tests.support.require import require

MEGABYTES = 96
_PIECE = 64 * 1024


@dataclass(frozen=True)
class SmallDisk:
    """Where it is mounted."""

    folder: Path

    async def hold(self, server_url: str, database: str) -> None:
        """Create a database whose files lie on this disk; the server's log of writes lies elsewhere."""
        place = self.folder / "files"
        place.mkdir(mode=0o700)
        if user := unprivileged(place):
            os.chown(place, user.uid, user.gid)
        async with await psycopg.AsyncConnection.connect(server_url, autocommit=True) as connection:
            await connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(place)))
            await connection.execute(sql.SQL("CREATE DATABASE {} TABLESPACE small").format(sql.Identifier(database)))

    def fill(self) -> None:
        """Leave no room."""
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            for size in (_PIECE, 1):
                try:
                    while filler.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Make room again."""
        (self.folder / "filler").unlink()


@contextmanager
def a_small_disk() -> Iterator[SmallDisk]:
    """Mount one; the test is skipped, or fails where `mount` is required, if this process may not."""
    # not below pytest's folder, which is closed to the user who runs the server
    folder = Path(tempfile.mkdtemp(prefix="groupbuy-disk-"))
    try:
        require("mount", _mount(folder))
        try:
            folder.chmod(0o755)
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        folder.rmdir()


def _mount(folder: Path) -> str | None:
    """Mount a file system in memory; says why it cannot be."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "groupbuy", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"a disk that can be filled needs mount: {error.strerror}"
    return None if done.returncode == 0 else f"a disk that can be filled cannot be mounted here: {done.stderr.strip()}"
