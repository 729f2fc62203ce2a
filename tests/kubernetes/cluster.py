"""The whole of it, started in order and ended in reverse: servers beside, control plane, nodes, names."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.kubernetes import node
from tests.kubernetes.beside import Beside
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.kubectl import Kubectl
from tests.kubernetes.names import Names
from tests.kubernetes.programs import Programs


@dataclass(frozen=True)
class Cluster:
    """A running cluster."""

    plane: ControlPlane
    beside: Beside

    @property
    def kubectl(self) -> Kubectl:
        """Kubectl for the namespace `default`."""
        return self.plane.kubectl


@asynccontextmanager
async def running(run: Path, programs: Programs, archive: Path, say: Callable[[str], None]) -> AsyncIterator[Cluster]:
    """Have a cluster run, in the network that we are in already, until this ends; `archive` is the engine's image."""
    async with AsyncExitStack() as stack:
        beside, plane = Beside(run), ControlPlane(run, programs)
        stack.push_async_callback(beside.stop)
        stack.push_async_callback(plane.stop)
        say("PostgreSQL, Apache Kafka, control plane")
        await asyncio.gather(beside.start(), plane.start())
        names = Names(plane.certificates)
        await names.start()
        stack.callback(names.stop)
        say("nodes")
        node.start_proxy(plane)
        await asyncio.gather(*(node.start(one, plane, (programs.pause, archive)) for one in node.NODES))
        yield Cluster(plane, beside)
