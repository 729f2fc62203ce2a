"""TLS of listeners and channels over real connections: who is let in, and files that are renewed meanwhile."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.channels import open_channel
from services.chassis.channels import PLAIN, Channels
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.ops import OpsServer
from services.chassis.platforms import KeyRing
from services.chassis.server import GrpcServer
from services.chassis.tls import Listening, Renewed, TlsFiles, check
from services.team_formation.web.edge import WebEdge
from tests.support.authority import Authority, put, serial
from tests.support.until import until

ONE, TWO = Authority("one"), Authority("two")


@pytest.fixture
async def start() -> AsyncIterator[Any]:
    """Starts gRPC servers that have health alone, and gives their addresses."""
    started: list[GrpcServer] = []

    async def start_one(tls: Listening | None) -> str:
        keys = KeyRing(Database("postgresql://nobody"), Clock())
        server = GrpcServer("127.0.0.1:0", [], keys, service_key="", drain_seconds=1, tls=tls)
        await server.start()
        started.append(server)
        return f"127.0.0.1:{server.port}"

    yield start_one
    for server in started:
        await server.stop()


async def ask(channel: grpc.aio.Channel) -> str:
    """Ask a server how it is; the code of what came of it."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    try:
        await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


async def ask_once(address: str, files: TlsFiles | None) -> str:
    """Ask by a connection of its own."""
    async with (Channels(files) if files else PLAIN).open(address) as channel:
        return await ask(channel)


async def shown(port: int) -> int:
    """Tell the number of the certificate that a server shows to whoever connects now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(found).serial_number


async def shows(port: int, files: TlsFiles) -> None:
    """Wait until a server shows the certificate in the files."""
    wanted = serial(files)

    async def is_shown() -> bool:
        return await shown(port) == wanted

    await until(is_shown)


async def test_calls_come_over_tls_alone_where_a_listener_has_it(start: Any, tmp_path: Path) -> None:
    files = ONE.write(tmp_path, "server")
    address = await start(Listening(TlsFiles(files.certificate, files.key)))
    assert await ask_once(address, TlsFiles(authorities=files.authorities)) == "OK"
    assert await ask_once(address, None) == "UNAVAILABLE"
    stranger = TWO.write(tmp_path, "stranger")
    assert await ask_once(address, TlsFiles(authorities=stranger.authorities)) == "UNAVAILABLE"


async def test_mutual_tls_lets_in_who_shows_a_certificate_of_the_authority(start: Any, tmp_path: Path) -> None:
    address = await start(Listening(ONE.write(tmp_path, "server")))
    client, stranger = ONE.write(tmp_path, "client"), TWO.write(tmp_path, "stranger")
    assert await ask_once(address, client) == "OK"
    assert await ask_once(address, TlsFiles(authorities=client.authorities)) == "UNAVAILABLE"
    assert await ask_once(address, stranger._replace(authorities=client.authorities)) == "UNAVAILABLE"


async def test_files_are_renewed_while_a_channel_calls_and_no_call_fails(start: Any, tmp_path: Path) -> None:
    server, client = ONE.write(tmp_path, "server"), ONE.write(tmp_path, "client")
    address = await start(Listening(server))
    port = int(address.rpartition(":")[2])
    both = ONE.pem + TWO.pem
    async with Channels(client).open(address) as channel:
        answers = [await ask(channel)]
        for files in (server, client):  # the order in which an authority is replaced: first it is trusted everywhere
            put(files.authorities, both)
        TWO.write(tmp_path, "server")
        put(server.authorities, both)
        await shows(port, server)
        TWO.write(tmp_path, "client")
        for _ in range(60):
            answers.append(await ask(channel))
            await asyncio.sleep(0.02)
        assert {*answers} == {"OK"}
        TWO.write(tmp_path, "server")  # whose authorities are the second one alone
        await shows(port, server)
        answers.append(await ask(channel))
    assert {*answers} == {"OK"}
    assert await ask_once(address, TWO.write(tmp_path, "client")) == "OK"
    late = ONE.write(tmp_path, "late")
    put(late.authorities, TWO.pem)
    assert await ask_once(address, late) == "UNAVAILABLE"


async def test_the_command_line_calls_services_as_its_environment_says(
    start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await start(Listening(ONE.write(tmp_path, "server")))

    def asked() -> str:
        with open_channel(address) as channel:
            try:
                stub: Any = health_pb2_grpc.HealthStub(channel)
                stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
            except grpc.RpcError as error:
                return str(error.code().name)
        return "OK"

    answers = [await asyncio.to_thread(asked)]
    client = ONE.write(tmp_path, "client")
    for name, path in zip(("CERTIFICATE", "KEY", "SERVER_CA"), client, strict=True):
        monkeypatch.setenv(f"GROUPBUY_TLS_{name}", path)
    answers.append(await asyncio.to_thread(asked))
    assert answers == ["UNAVAILABLE", "OK"]


async def nothing(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("kind", ["ops", "web"])
async def test_pages_and_health_are_served_over_tls_and_their_files_renewed(kind: str, tmp_path: Path) -> None:
    files = ONE.write(tmp_path, "server")
    tls = Listening(TlsFiles(files.certificate, files.key))
    server: OpsServer | WebEdge = OpsServer("127.0.0.1:0", {}, tls)
    if kind == "web":
        server = WebEdge("127.0.0.1:0", nothing, proxies="", drain_seconds=1, tls=tls)
    await server.start()
    try:
        trust = ssl.create_default_context(cafile=files.authorities)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"https://127.0.0.1:{server.port}/healthz", ssl=trust) as answer:
                assert answer.status == (200 if kind == "ops" else 204)
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"http://127.0.0.1:{server.port}/healthz")
        before = serial(files)
        assert await shown(server.port) == before
        put(files.certificate, b"half of a cert")
        await asyncio.sleep(0)
        assert await shown(server.port) == before
        ONE.write(tmp_path, "server")
        await shows(server.port, files)
    finally:
        await server.stop()


async def test_a_page_for_the_inside_may_ask_for_a_certificate_too(tmp_path: Path) -> None:
    server = OpsServer("127.0.0.1:0", {}, Listening(ONE.write(tmp_path, "server")))
    client = ONE.write(tmp_path, "client")
    await server.start()
    try:
        trust = ssl.create_default_context(cafile=client.authorities)
        url = f"https://127.0.0.1:{server.port}/healthz"
        async with aiohttp.ClientSession() as session:
            with pytest.raises((aiohttp.ClientError, OSError)):
                async with session.get(url, ssl=trust) as answer:
                    await answer.read()
            trust.load_cert_chain(client.certificate, client.key)
            async with session.get(url, ssl=trust) as answer:
                assert answer.status == 200
    finally:
        await server.stop()


def test_what_cannot_be_used_changes_nothing_until_it_can(tmp_path: Path) -> None:
    now, made = [0.0], ["first"]
    path = tmp_path / "file"
    path.write_text("1")

    def make() -> str:
        if path.read_text() == "broken":
            raise ValueError("no PEM")
        made.append(path.read_text())
        return made[-1]

    renewed = Renewed([str(path)], make, now=lambda: now[0])
    found = [renewed.get()]
    for content in ("broken", "2"):
        path.write_text(content)
        found.append(renewed.get())  # it was looked at a moment ago
        now[0] += 2
        found.append(renewed.get())
    path.unlink()
    now[0] += 2
    found.append(renewed.get())
    assert found == ["1", "1", "1", "1", "2", "2"]


def test_files_that_do_not_fit_together_are_named(tmp_path: Path) -> None:
    one, other = ONE.write(tmp_path, "one"), ONE.write(tmp_path, "other")
    check(one)
    with pytest.raises(ValueError, match=r"one\.certificate\.pem and .*other\.key\.pem .*no PEM files that fit"):
        check(one._replace(key=other.key))
    with pytest.raises(ValueError, match=r"no-such\.pem"):
        check(TlsFiles(authorities=str(tmp_path / "no-such.pem")))
