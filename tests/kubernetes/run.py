"""The test itself, within the cluster's network: install, promise by promise, then what the databases say."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.check.runner import wait_for_checks
from services.chassis.database import database_url
from tests.kubernetes import image
from tests.kubernetes.cluster import Cluster, running
from tests.kubernetes.errors import FoundError
from tests.kubernetes.installed import Installed
from tests.kubernetes.load import Load
from tests.kubernetes.platform import make_campaign, make_platform, service_key
from tests.kubernetes.programs import Programs
from tests.kubernetes.scenes import controls, draining, goodbye, killing, manifests, rolling
from tests.support.seat_counts import count_seats

HERE = Path(__file__).parent
OVERLAY = HERE / "overlay"
"""The overlay `local`, with what a machine of two processors cannot give taken off."""
SERVICES = ("team_formation", "pricing", "notification")
NAMESPACE = "groupbuy"
JOBS_SECONDS = 300
CHECK_SECONDS = 120.0

Say = Callable[[str], None]


class Lines:
    """Says what happens, with the seconds since the beginning, and keeps it for the end."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.kept: list[str] = []

    def __call__(self, what: str) -> None:
        line = f"{time.monotonic() - self._began:5.0f} s  {what}"
        self.kept.append(line)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


async def run(folder: Path, programs: Programs, archive: Path, *, controls_too: bool, hold: bool, quick: bool) -> None:
    """Run all; FoundError where a promise is broken."""
    say = Lines()
    async with running(folder, programs, archive, say) as cluster:
        engine = await install(cluster, say)
        if hold:
            say(f"holding until Enter: KUBECONFIG={cluster.plane.config}")
            await asyncio.to_thread(sys.stdin.readline)
        await promises(cluster, engine, say, controls_too=controls_too, quick=quick)
    say("all held")


async def install(cluster: Cluster, say: Say) -> Installed:
    """Install the engine as the pages say: Jobs first, then the services."""
    kubectl = cluster.kubectl.of(NAMESPACE)
    prepare, services = [await kubectl("kustomize", str(OVERLAY / part)) for part in ("prepare", "services")]
    await manifests.apply(cluster.kubectl, (HERE / "servers.yaml").read_text())
    namespace = next(item for item in manifests.documents(services) if item["kind"] == "Namespace")
    await manifests.apply(cluster.kubectl, json.dumps(namespace))
    reasons = await manifests.refused(kubectl, services)
    say(f"the API server took the manifests, and refused {len(reasons)} bad ones:")
    for name, reason in reasons.items():
        say(f"    {name}: {reason[:160]}")
    image.name_it(cluster.plane.run, engine_image(services))
    say(f"{await manifests.apply(kubectl, prepare)} objects of the preparation")
    await kubectl("wait", "--for=condition=Complete", "jobs", "--all", f"--timeout={JOBS_SECONDS}s")
    say(f"{await manifests.apply(kubectl, services)} objects of the services")
    engine = Installed(kubectl)
    await engine.rolled_out(600)
    deployments = await engine.deployments()
    pods = sum([len(await engine.pods(item)) for item in deployments])
    say(
        f"{len(deployments)} Deployments, {pods} pods are ready;"
        f" PostgreSQL has {await cluster.beside.connections()} connections"
    )
    return engine


def engine_image(rendered: str) -> str:
    """Give the image that the manifests name."""
    deployment = next(item for item in manifests.documents(rendered) if item["kind"] == "Deployment")
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


async def promises(cluster: Cluster, engine: Installed, say: Say, *, controls_too: bool, quick: bool) -> None:
    """Try promise by promise under load, then look at what is left."""
    addresses = {service: await engine.address(service) for service in SERVICES}
    key = await make_platform(addresses, await service_key(engine.kubectl))
    campaign = await make_campaign(addresses["team_formation"], key, "cluster-campaign")
    loads = []
    async with Load(addresses, key, campaign) as load:
        loads.append(load)
        await load.more(30)
        before = next(iter((await engine.pods(await engine.serving("team_formation")))[0].images))
        await _rolls(engine, load, say, before, quick=quick)
        killed = await killing.kill_each(engine, load)
        say(f"a pod of each service killed: {killed}")
        killed.keep("a pod of each service killed")
        drained, line = await draining.drain(engine, load)
        say(f"node drained: {drained}; {line}")
        drained.keep("node drained")
        for service in SERVICES:
            say(f"goodbye of {await goodbye.say_goodbye(engine, service)}")
        say(await draining.budget_stops(engine))
        say(f"all of the load: {_summed(load)}")
    if controls_too:
        async with Load(addresses, key, campaign, name="control", pause=controls.PAUSE_SECONDS) as load:
            loads.append(load)
            await load.more(10)
            for name, control in controls.CONTROLS.items():
                say(f"negative control, {name}: {await control(engine, load)}")
    await _databases(cluster, loads, say)


async def _rolls(engine: Installed, load: Load, say: Say, before: str, *, quick: bool) -> None:
    for what, name in (("to the new version", image.NEXT), ("back", before)):
        told, line = await rolling.roll(engine, load, name, quick=quick)
        say(f"{'RPCs' if quick else 'every Deployment'} rolled {what}: {told}; {line}")
        told.keep(f"rolled {what}")


def _summed(load: Load) -> str:
    lines = [
        f"{way.value}: {count.calls} calls, {len(count.failed)} failed, sent again {dict(count.again)},"
        f" slowest {count.slowest:.2f} s"
        for way, count in load.counts().items()
    ]
    return "; ".join(lines)


async def _databases(cluster: Cluster, loads: list[Load], say: Say) -> None:
    """Look for every seat that was acknowledged, and run every invariant."""
    url = database_url(cluster.beside.url, "team_formation")
    seats = [seat for load in loads for seat in load.seats]
    counted = await count_seats(url, seats, [seat for load in loads for seat in load.confirmed])
    if counted.wrong():
        raise FoundError(f"Of {len(seats)} seats that were acknowledged: {counted.wrong()}")
    results = await wait_for_checks(cluster.beside.url, CHECK_SECONDS)
    if violated := [f"{result.name}: {result.examples}" for result in results if result.violations]:
        raise FoundError("Invariants are violated: " + "; ".join(violated))
    looked = sum(result.checked for result in results)
    say(f"{len(seats)} seats acknowledged, none lost or twice; {len(results)} invariants hold ({looked:,} looked at)")
