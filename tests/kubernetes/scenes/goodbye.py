"""How a server says goodbye: a connection to a deleted pod gets GOAWAY, once no service leads there any more."""

import asyncio
import struct
import time
from dataclasses import dataclass

from tests.kubernetes.errors import FoundError
from tests.kubernetes.installed import GRPC, Installed, Pod

HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack("!I", 0)[1:] + struct.pack("!BBI", 4, 0, 0)
_SETTINGS, _GOAWAY, _PING = 4, 7, 6
_FRAME = 9
_LONGEST_SECONDS = 90.0


@dataclass(frozen=True)
class Goodbye:
    """What a connection was told; times are seconds since the pod was deleted."""

    code: int
    goaway: float
    closed: float
    left_endpoints: float


async def say_goodbye(engine: Installed, service: str) -> str:
    """Delete a pod that answers RPCs, with an idle connection to it; a line about what that was told."""
    pod = (await engine.pods(await engine.serving(service)))[0]
    seen = await _followed(engine, pod, service)
    if seen.code != 0:
        raise FoundError(f"{service} said GOAWAY with error {seen.code}.")
    if seen.goaway < seen.left_endpoints:
        raise FoundError(
            f"{service} said GOAWAY {seen.goaway:.2f} s after it was told to end, when its service still led there"
            f" (until {seen.left_endpoints:.2f} s): who connects anew may be refused. A preStop sleep is missing."
        )
    await engine.rolled_out()
    return (
        f"{service}: out of its service after {seen.left_endpoints:.1f} s, GOAWAY after {seen.goaway:.1f} s,"
        f" closed after {seen.closed:.1f} s"
    )


async def _followed(engine: Installed, pod: Pod, service: str) -> Goodbye:
    reader, writer = await asyncio.open_connection(pod.address, pod.ports[GRPC])
    writer.write(HELLO)
    try:
        await engine.kubectl("delete", "pod", pod.name, "--wait=false")
        began = time.monotonic()
        gone = asyncio.create_task(_left(engine, pod, service))
        code, said = await asyncio.wait_for(goaway(reader, writer), _LONGEST_SECONDS)
        await asyncio.wait_for(reader.read(), _LONGEST_SECONDS)
        closed = time.monotonic()
        return Goodbye(code, said - began, closed - began, await gone - began)
    finally:
        writer.close()


async def goaway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, float]:
    """Answer what a server asks of a connection until it says GOAWAY; gives its error code, and when that was."""
    while True:
        head = await reader.readexactly(_FRAME)
        length, kind, flags = int.from_bytes(head[:3]), head[3], head[4]
        body = await reader.readexactly(length)
        if kind == _GOAWAY:
            return int.from_bytes(body[4:8]), time.monotonic()
        if kind == _SETTINGS and not flags & 1:
            writer.write(bytes(3) + struct.pack("!BBI", _SETTINGS, 1, 0))
        if kind == _PING and not flags & 1:
            writer.write(head[:4] + b"\x01" + head[5:] + body)


async def _left(engine: Installed, pod: Pod, service: str) -> float:
    """Give when a pod is in no endpoint of its service any more."""
    name = (await engine.service(service))["metadata"]["name"]
    while True:
        slices = await engine.kubectl.objects("endpointslices", f"--selector=kubernetes.io/service-name={name}")
        ready = {
            address
            for item in slices
            for endpoint in item.get("endpoints") or ()
            if endpoint["conditions"].get("ready")
            for address in endpoint["addresses"]
        }
        if pod.address not in ready:
            return time.monotonic()
        await asyncio.sleep(0.1)
