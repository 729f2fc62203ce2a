"""One node of Apache Kafka as a child process: format its storage, start the JVM, wait until it answers, stop it."""

import asyncio
import base64
import shutil
import signal
import socket
import uuid
from pathlib import Path
from string import Template

from deploy.local.child import Child
from deploy.local.errors import LocalError
from deploy.local.kafka.jars import NEEDS_JAVA, default_cache, fetch
from deploy.local.sockets import free_port

TEMPLATE = Path(__file__).with_name("server.properties")
HOST = "127.0.0.1"
START_LIMIT_S = 90.0
POLL_S = 0.05
JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


class ApacheKafka:
    """A KRaft node with its data under one directory; the same directory gives the same data after a restart."""

    jvm: tuple[str, ...] = JVM
    """Options of Java."""

    def __init__(
        self, data: Path, *, port: int = 0, host: str = HOST, partitions: int = 4, cache: Path | None = None
    ) -> None:
        """`port` 0 takes a free one at the first start; `cache` holds the jars (default: `jars.default_cache()`).

        Clients are told to come to `host`.
        """
        self.data = data.absolute()
        self.port = port
        self.host = host
        self.partitions = partitions
        self._cache = cache
        self._jvm: Child | None = None

    @property
    def bootstrap(self) -> str:
        """What a client takes as its bootstrap server; valid after `start`."""
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        """The file that the JVM writes to."""
        return self.data / "kafka.log"

    async def start(self) -> None:
        """Start and wait until clients are answered; the JVM dies with this process. Raises LocalError."""
        libs = await fetch(self._cache or default_cache())
        self.data.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port(self.host)
        _refuse_taken(self.host, self.port)
        properties = self._write_properties()
        await self._format(libs, properties)
        self._jvm = self._spawn(libs, "kafka.Kafka", str(properties))
        await self._until_ready(self._jvm)

    async def stop(self, grace_s: float = 30.0) -> None:
        """Ask the JVM to stop (SIGTERM) and kill it when it has not ended after `grace_s` seconds."""
        if self._jvm is not None:
            await self._jvm.end(signal.SIGTERM, grace_s)

    async def kill(self) -> None:
        """End the JVM at once, as a crash would (SIGKILL)."""
        if self._jvm is not None:
            await self._jvm.end(signal.SIGKILL, 0)

    async def restart(self) -> None:
        """Stop and start again on the same data and port."""
        await self.stop()
        await self.start()

    async def ended(self) -> int:
        """Wait until the JVM ends; its exit code. At once, with 0, where none was started."""
        return await self._jvm.wait() if self._jvm is not None else 0

    def _write_properties(self) -> Path:
        text = Template(TEMPLATE.read_text()).substitute(
            host=self.host,
            port=self.port,
            controller_port=free_port(),
            logs=self.data / "logs",
            partitions=self.partitions,
        )
        path = self.data / "server.properties"
        path.write_text(text)
        return path

    async def _format(self, libs: Path, properties: Path) -> None:
        if (self.data / "logs" / "meta.properties").exists():
            return
        words = ("format", "-t", self._cluster_id(), "-c", str(properties))
        tool = self._spawn(libs, "kafka.tools.StorageTool", *words)
        if await tool.wait():
            raise _failed("its storage could not be formatted", tool, self.log)

    def _cluster_id(self) -> str:
        return new_cluster_id()

    def _spawn(self, libs: Path, main_class: str, *arguments: str) -> Child:
        java = shutil.which("java")
        if java is None:
            raise LocalError("Apache Kafka cannot run: there is no Java.", NEEDS_JAVA)
        return Child.start([java, *self.jvm, "-cp", f"{libs}/*", main_class, *arguments], log=self.log, cwd=self.data)

    async def _until_ready(self, jvm: Child) -> None:
        """A KRaft broker opens its port only after it has caught up with the controller, so a connection is enough."""
        deadline = asyncio.get_running_loop().time() + START_LIMIT_S
        while not await _answers(self.host, self.port):
            if jvm.returncode is not None:
                raise _failed(f"it ended with code {jvm.returncode}", jvm, self.log)
            if asyncio.get_running_loop().time() > deadline:
                await self.kill()
                raise _failed(f"it did not answer within {START_LIMIT_S:.0f} s", jvm, self.log)
            await asyncio.sleep(POLL_S)


def new_cluster_id() -> str:
    """Make an id as Kafka wants it: the base64 of a UUID."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A", 1)


def _failed(what: str, child: Child, log: Path) -> LocalError:
    lines = "\n".join(child.log_tail(8))
    return LocalError(f"Apache Kafka did not start: {what}.\n{lines}", f"All that it wrote is in {log}.")


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            problem = f"Port {port} on {host} is taken."
            raise LocalError(problem, "Stop what listens there, or give another --port.") from None
