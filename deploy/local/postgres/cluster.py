"""A PostgreSQL data directory: made once with a password, owned by the user who runs the server."""

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.child import Child
from deploy.local.errors import LocalError
from deploy.local.osuser import OsUser, reaches
from deploy.local.postgres.programs import find_programs

SUPERUSER = "postgres"
_PATIENCE_SECONDS = 5.0

# The folder that a process already stands in can be named without entering the folders above it, which may be closed
# to its user (root's home is). Linux only.
_HERE = Path("/proc/self/cwd")


class Cluster:
    """The data directory `folder` and how `user` (None: we) names it."""

    def __init__(self, folder: Path, password_file: Path, user: OsUser | None, *, durable: bool) -> None:
        self.folder = folder
        self.user = user
        self.programs = find_programs(user)
        self._password_file = password_file
        self._durable = durable

    @property
    def password(self) -> str:
        """The superuser's password, readable by us alone."""
        return self._password_file.read_text().strip()

    async def ensure(self, log: Path) -> None:
        """Make the data directory unless it is there; half-made ones of an interrupted start are made anew."""
        if (self.folder / "PG_VERSION").exists():
            return
        scratch = self.folder.with_suffix(".new")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        self._give(scratch)
        _write_private(self._password_file, secrets.token_urlsafe(24))
        await self._initdb(scratch, log)
        scratch.rename(self.folder)

    def path_for_server(self, folder: Path | None = None) -> Path:
        """The data directory as the server's user can reach it when started inside it."""
        folder = folder or self.folder
        if self.user is None or reaches(self.user, folder):
            return folder
        if not _HERE.exists():
            raise LocalError(
                f"PostgreSQL runs as user {self.user.name}, who may not enter the folders above {folder}.",
                "Choose a folder that every user may enter: groupbuy up --data DIR.",
            )
        return _HERE

    async def _initdb(self, scratch: Path, log: Path) -> None:
        with self._password_for_initdb() as password_file:
            argv = [str(self.programs / "initdb"), "-D", str(self.path_for_server(scratch)), "-U", SUPERUSER,
                    f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
                    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]  # fmt: skip
            if not self._durable:
                argv.append("--no-sync")
            child = Child.start(argv, log=log, cwd=scratch, user=self.user)
            try:
                code = await child.wait()
            except BaseException:  # an interrupted start leaves nobody behind who writes
                await child.end(signal.SIGTERM, _PATIENCE_SECONDS)
                raise
            if code != 0:
                raise LocalError(
                    "PostgreSQL could not make its data directory:\n" + "\n".join(child.log_tail(4)),
                    f"See {log}; is there room on the disk?",
                )

    @contextmanager
    def _password_for_initdb(self) -> Iterator[Path]:
        """The password in a file that the server's user can read, for as long as initdb runs."""
        usual = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - a private folder is made in it
        there = next((folder for folder in usual if self.user is None or reaches(self.user, folder / "any")), None)
        with tempfile.TemporaryDirectory(prefix="groupbuy-", dir=there) as folder:
            path = Path(folder, "password")
            _write_private(path, self.password)
            self._give(Path(folder))
            self._give(path)
            yield path

    def _give(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user.uid, self.user.gid)


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
