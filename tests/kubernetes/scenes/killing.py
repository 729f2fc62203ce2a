"""A pod's process is killed in the middle of calls: they are answered by another, by the policy of clients."""

import os
import signal
from pathlib import Path

from tests.kubernetes.borrowed import CGROUPS
from tests.kubernetes.errors import ClusterError
from tests.kubernetes.installed import Installed, Pod
from tests.kubernetes.load import Load
from tests.kubernetes.verdict import Told, told

SERVICES = ("team_formation", "pricing", "notification")


async def kill_each(engine: Installed, load: Load) -> Told:
    """Kill one pod of each service that answers RPCs, and wait until it is back."""
    async with told(load) as result:
        for service in SERVICES:
            deployment = await engine.serving(service)
            pod = (await engine.pods(deployment))[0]
            for pid in processes(pod):
                os.kill(pid, signal.SIGKILL)
            await load.more(5)
            await engine.kubectl.rolled_out("deployment", deployment["metadata"]["name"])
    return result


def processes(pod: Pod) -> list[int]:
    """Give the processes of a pod's containers, but not the one that holds its namespaces."""
    files = CGROUPS.glob(f"**/*pod{pod.uid}*/**/cgroup.procs")
    pids = {int(line) for path in files for line in path.read_text().split()}
    found = [pid for pid in sorted(pids) if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0] != b"/pause"]
    if not found:
        raise ClusterError(f"Pod {pod.name} has no process.")
    return found
