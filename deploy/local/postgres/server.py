"""The PostgreSQL server of one machine: start, address, databases, stop."""

import asyncio
import contextlib
import signal
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from deploy.local.child import Child
from deploy.local.errors import LocalError
from deploy.local.lock import FolderLock
from deploy.local.osuser import unprivileged
from deploy.local.postgres.cluster import SUPERUSER, Cluster
from deploy.local.postgres.leftover import end_leftover
from deploy.local.sockets import free_port

DEFAULT_PORT = 7432

LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 0.01
_START_PATIENCE_SECONDS = 60.0
_STOP_PATIENCE_SECONDS = 30.0
_STILL_ENDING = ("pre-existing shared memory block", "postmaster.pid")
_SETTINGS = {
    "unix_socket_directories": "",  # one way in, with a password
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "io_method": "sync",  # three processes fewer, and a small cache gains little from them
    "max_worker_processes": "4",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class LocalPostgres:
    """PostgreSQL on loopback or `host`, its files below `data`: data directory, log, and the password it asks for.

    It runs as we do, or as `nobody` where we are root, as PostgreSQL refuses to be root. `port` 0 takes a free one.
    `durable=False` gives up safety against a crash of the machine for speed: for tests. The server ends with this
    process. One holder at a time: a server that an earlier holder left running is ended first.
    """

    def __init__(
        self,
        data: Path,
        port: int = DEFAULT_PORT,
        *,
        host: str = LOOPBACK,
        durable: bool = True,
        log: Path | None = None,
    ) -> None:
        self.data = data.resolve()
        self.port = port
        self.host = host
        self.log = log or self.data / "postgres.log"
        self._durable = durable
        self._lock = FolderLock(self.data / "lock")
        self._cluster: Cluster | None = None
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """The server's address with user and password, naming the database `postgres`."""
        return self.database_url(SUPERUSER)

    @property
    def child(self) -> Child | None:
        """The server process, None before the first start."""
        return self._child

    @property
    def pid(self) -> int | None:
        """The server's process id, None if it does not run."""
        return self._child.pid if self._child and self._child.returncode is None else None

    def database_url(self, name: str) -> str:
        """The address of the database `name` on this server."""
        if self._cluster is None:
            raise LocalError("PostgreSQL has no address yet.", "Call start() first.")
        return f"postgresql://{SUPERUSER}:{quote(self._cluster.password)}@{self.host}:{self.port}/{quote(name)}"

    async def start(self) -> None:
        """Start the server and return when it accepts connections; LocalError says what is in the way.

        After a kill -9 it recovers; called on a running server it does nothing.
        """
        if self.pid is not None:
            return
        self._take_folder()
        try:
            cluster = self._cluster = self._cluster or self._open_cluster()
            await cluster.ensure(self.log)
            await end_leftover(cluster.folder)
            await self._launch_patiently(cluster)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server by PostgreSQL's fast shutdown: transactions under way are rolled back, nothing is lost."""
        if self._child is not None and self._child.returncode is None:
            await self._child.end(signal.SIGINT, _STOP_PATIENCE_SECONDS)
        self._lock.release()

    async def create_database(self, name: str, template: str | None = None) -> str:
        """Create the database `name` unless it exists, as a copy of `template` if one is named; give its address."""
        # copying files beats writing the copy to the log for databases of this size
        how = sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template)) if template else sql.SQL("")
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            await self._execute(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(name), how))
        return self.database_url(name)

    async def drop_database(self, name: str) -> None:
        """Drop the database `name` if it exists, ending its connections."""
        await self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    async def _execute(self, statement: sql.Composed) -> None:
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            await connection.execute(statement)

    def _take_folder(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if not self._lock.acquire():
            raise LocalError(
                f"The PostgreSQL data in {self.data} is in use by process {self._lock.holder()}.",
                "Stop that one first (groupbuy down), or choose another folder (--data DIR).",
            )

    def _open_cluster(self) -> Cluster:
        folder = self.data / "cluster"
        return Cluster(folder, self.data / "password", unprivileged(folder), durable=self._durable)

    async def _launch_patiently(self, cluster: Cluster) -> None:
        """Launch, and once more each time the processes of a killed server are still on their way out."""
        deadline = asyncio.get_running_loop().time() + _START_PATIENCE_SECONDS
        chosen = self.port
        while True:
            self.port = chosen or free_port(self.host)
            child = self._child = self._launch(cluster)
            if await self._accepts(cluster, child, deadline):
                return
            tail = child.log_tail(6)
            if not _passes(tail, port_chosen=chosen != 0) or asyncio.get_running_loop().time() > deadline:
                raise self._refusal(tail)
            await asyncio.sleep(0.1)

    def _launch(self, cluster: Cluster) -> Child:
        settings = {
            **_SETTINGS,
            "listen_addresses": self.host,
            "port": str(self.port),
            **({} if self._durable else _FORGETFUL),
        }
        argv = [str(cluster.programs / "postgres"), "-D", str(cluster.path_for_server())]
        argv += [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        # with a fast shutdown as its last wish it ends cleanly even where we are killed
        return Child.start(argv, log=self.log, cwd=cluster.folder, user=cluster.user, death_signal=signal.SIGINT)

    async def _accepts(self, cluster: Cluster, child: Child, deadline: float) -> bool:
        """Wait until its own status file says that it is ready; False if it ends or takes too long."""
        status = cluster.folder / "postmaster.pid"
        while child.returncode is None and asyncio.get_running_loop().time() < deadline:
            if _ready(status, child.pid):
                return True
            await asyncio.sleep(_POLL_SECONDS)
        await child.end(signal.SIGINT, _STOP_PATIENCE_SECONDS)
        return False

    def _refusal(self, tail: list[str]) -> LocalError:
        text = "\n".join(tail)
        if "Address already in use" in text:
            return LocalError(
                f"PostgreSQL wants port {self.port} of {self.host}, which another program has.",
                "Choose another one with --port postgres=N, or stop that program.",
            )
        return LocalError(f"PostgreSQL did not start. It said:\n{text}", f"The whole log is {self.log}.")


def _passes(tail: list[str], *, port_chosen: bool) -> bool:
    """Whether what the server complained about goes away by itself."""
    text = "\n".join(tail)
    if "Address already in use" in text:
        return not port_chosen
    return any(words in text for words in _STILL_ENDING)


def _ready(status: Path, pid: int) -> bool:
    try:
        lines = status.read_text().splitlines()
    except FileNotFoundError:
        return False
    if len(lines) != 8 or lines[0] != str(pid):  # noqa: PLR2004  # its 8th line says it
        return False
    return lines[7].strip() in {"ready", "standby"}  # where it follows another, the second
