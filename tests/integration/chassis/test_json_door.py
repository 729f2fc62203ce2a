"""The door of JSON over a real connection: what it takes, what it refuses and how, and where its patience ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from io import BytesIO
from typing import Any, cast
from uuid import UUID

import aiohttp
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from groupbuy.reasons import ReasonName
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from structlog.testing import capture_logs
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.chassis import json_request, quotas, trace
from services.chassis.errors import Rejected, Unavailable
from services.chassis.gate import Gate
from services.chassis.http_server import HttpServer
from services.chassis.json_door import KEEP_ALIVE_SECONDS, JsonDoor, json_server
from services.chassis.json_status import headers_of, http_status_of
from services.chassis.limits import Limiter
from tests.integration.chassis.test_server import PUBLIC, House, counted, house, raising
from tests.support.two_doors import Outcome, outcome_of
from tests.support.until import until

__all__ = ["house"]

METHOD = pb.DESCRIPTOR.services_by_name["TeamFormation"].methods_by_name["GetTeam"]
GET_TEAM = f"/{PUBLIC}/GetTeam"
JSON = {"content-type": "application/json"}
KEY = {"authorization": "Bearer gbk_k1_secret"}


class Door:
    """A caller of a house's door of JSON."""

    def __init__(self, house: House, server: HttpServer, http: aiohttp.ClientSession) -> None:
        self.house = house
        self.server = server
        self.port = server.port
        self.http = http

    async def asked(self, body: Any = b"{}", path: str = GET_TEAM, verb: str = "POST", **headers: str) -> Outcome:
        """Ask; names of headers are given with _ for -."""
        given = {**JSON, **KEY, **{name.replace("_", "-"): value for name, value in headers.items()}}
        address = f"http://127.0.0.1:{self.port}{path}"
        async with self.http.request(verb, address, data=body, headers=given) as response:
            return outcome_of(response.status, await response.read(), response.headers, METHOD)

    async def wired(self, said: bytes) -> bytes:
        """Send bytes over a connection of its own, and read to its end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answered = b""
        with suppress(ConnectionError):  # what was not read yet makes the server's system cut the line
            writer.write(said)
            await writer.drain()
            async with asyncio.timeout(20):
                answered = await reader.read()
        writer.close()
        return answered


@pytest.fixture
async def door(house: House) -> AsyncIterator[Door]:
    servicers = house.server.servicers
    server = json_server("127.0.0.1:0", JsonDoor(servicers, house.server.gate), drain_seconds=2)
    await server.start()
    async with aiohttp.ClientSession() as http:
        yield Door(house, server, http)
    await server.stop()


async def test_a_call_comes_from_its_keys_platform_and_keeps_its_trace(door: Door) -> None:
    mine = trace.new_traceparent()
    before = counted("OK")
    answer: Any = (await door.asked(b'{"teamId": "x"}', traceparent=mine)).answer
    assert (answer.team.team_id[-1], answer.team.campaign_id) == ("5", mine[3:35])
    assert counted("OK") == before + 1


async def test_an_answer_that_is_stored_as_bytes_is_json_too(door: Door) -> None:
    address = f"http://127.0.0.1:{door.port}/{PUBLIC}/ListTeams"
    async with door.http.post(address, data=b"{}", headers={**JSON, **KEY}) as response:
        assert await response.json() == {"teams": [{"teamId": "stored"}]}
        assert response.headers["cache-control"] == "no-store"


BODIES = [
    (b"", "request", "empty"),
    (b"[1]", "request", "must be a JSON object"),
    (b"{", "request", "is not JSON"),
    (b'{"teamId": "\xff"}', "request", "not UTF-8"),
    (b'{"a":' * 100_000, "request", "too deep"),
    (b'{"teamId": ' + b"9" * 5_000 + b"}", "request", "too long"),
    (b'{"teamId": NaN}', "request", "no number of JSON"),
    (b'{"teamld": "x"}', "teamld", "there is no such field"),
    (b'{"teamId": 3}', "teamId", "must be a text"),
    (b'{"teamId": "\\ud800"}', "teamId", "must be a text"),
    (b'{"teamId": "a", "teamId": "b"}', "teamId", "is there twice"),
]


async def test_a_body_that_is_no_request_is_refused_by_its_field(door: Door) -> None:
    for body, field, says in BODIES:
        outcome = await door.asked(body)
        assert (outcome.http_status, outcome.code, outcome.reason) == (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
        [(named, described)] = outcome.fields
        assert named == field
        assert says in described


async def test_a_body_that_is_not_json_by_its_headers_is_refused(door: Door) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
        outcome = await door.asked(b"{}", content_type=kind)
        assert (outcome.http_status, outcome.fields[0][0]) == (415, "content-type")
    packed = await door.asked(b"{}", content_encoding="gzip")
    assert (packed.http_status, packed.fields[0][0]) == (415, "content-encoding")
    assert (await door.asked(b"{}", content_type='application/json; charset="UTF-8"')).code == "OK"


async def test_a_body_has_a_longest_size_by_its_word_and_by_itself(door: Door) -> None:
    longest = b'{"teamId": "' + b"x" * (json_request.MOST_BYTES - 14) + b'"}'
    assert (await door.asked(BytesIO(longest))).code == "OK"
    assert (await door.asked(BytesIO(longest + b" "))).http_status == 413

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(90):
            yield b" " * 50_000

    with suppress(aiohttp.ClientError):  # it may still have been sending
        assert (await door.asked(parts())).http_status == 413


async def test_nothing_is_read_for_whoever_has_no_key(door: Door) -> None:
    head = (
        b"POST "
        + GET_TEAM.encode()
        + b" HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
    )
    answered = await door.wired(head + b"content-length: 4000000\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 401")
    assert b"KEY_MISSING" in answered


async def test_who_sends_a_body_by_drops_is_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_request, "BODY_SECONDS", 0.2)
    head = b"POST " + GET_TEAM.encode() + b" HTTP/1.1\r\nhost: x\r\nauthorization: Bearer gbk_k1_secret\r\n"
    answered = await door.wired(head + b"content-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    assert answered.startswith(b"HTTP/1.1 408")
    assert b"did not come within 0.2 seconds" in answered


async def test_who_does_not_finish_its_headers_is_let_go(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.chassis.patience.HEADERS_SECONDS", 0.2)
    assert await door.wired(b"POST / HTTP/1.1\r\nhost: x\r\n") == b""


async def test_who_does_not_read_is_cut_off(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.chassis.patience.UNREAD_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port, limit=1)
    writer.write(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 200)
    connections = door.server._server.server_state.connections
    await until(lambda: len(connections) == 1)
    await until(lambda: not connections)
    assert not reader.at_eof()
    writer.close()


async def test_a_flood_of_headers_is_refused(door: Door) -> None:
    for flood in (b"x: " + b"y" * 100_000, b"x: y\r\n" * 20_000):
        assert (await door.wired(b"POST / HTTP/1.1\r\n" + flood))[:12] in {b"HTTP/1.1 400", b""}


async def test_a_length_that_is_said_in_two_ways_is_refused(door: Door) -> None:
    head = b"POST " + GET_TEAM.encode() + b" HTTP/1.1\r\nhost: x\r\nauthorization: Bearer gbk_k1_secret\r\n"
    lengths = b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n"
    answered = await door.wired(head + b"content-type: application/json\r\n" + lengths + b"2\r\n{}\r\n0\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 400")
    assert b"a request says its length once" in answered


async def test_a_connection_is_kept_for_the_next_call_but_not_for_a_request_that_does_not_end(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = door.server._server.server_state.connections
    for _ in range(3):
        assert (await door.asked()).code == "OK"
    assert [cast("H11Protocol", kept).timeout_keep_alive for kept in connections] == [KEEP_ALIVE_SECONDS]
    monkeypatch.setattr("services.chassis.patience.HEADERS_SECONDS", 0.2)
    head = b"POST " + GET_TEAM.encode() + b" HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    answered = await door.wired(head + b"content-length: 4000000\r\n\r\n{")
    assert answered.startswith(b"HTTP/1.1 401")


async def test_what_is_no_call_is_said_to_be_none(door: Door) -> None:
    for path in ("/", "/x", f"/{PUBLIC}/", f"/{PUBLIC}/Nothing", f"{GET_TEAM}/", f"/{PUBLIC}Internal/ListPlatforms"):
        outcome = await door.asked(path=path)
        assert (outcome.http_status, outcome.code, outcome.reason) == (404, "NOT_FOUND", "CALL_UNKNOWN")
    stream = await door.asked(path=f"/{PUBLIC}/WatchTeam")
    assert (stream.http_status, stream.reason) == (501, "CALL_STREAMS")
    for verb in ("GET", "PUT", "DELETE", "OPTIONS"):
        outcome = await door.asked(verb=verb)
        assert outcome.headers
        assert (outcome.http_status, outcome.headers["allow"]) == (405, "POST")


async def test_the_document_is_there_for_everybody(door: Door) -> None:
    address = f"http://127.0.0.1:{door.port}/openapi.json"
    async with door.http.get(address) as response:
        document = await response.json()
    assert GET_TEAM in document["paths"]
    async with door.http.head(address) as response:
        assert (response.status, await response.read()) == (200, b"")
    assert (await door.asked(path="/openapi.json")).http_status == 405


async def test_a_limit_is_refused_with_when_to_come_again_and_can_be_asked_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_is_set(_: list[UUID]) -> dict[UUID, dict[str, int]]:
        return {}

    monkeypatch.setattr("services.chassis.limits.monotonic", lambda: 1000.0)
    limiter = Limiter({"requests_per_second": 2, "key_requests_per_second": 9}, nothing_is_set)
    gate = Gate(house.server.gate._keys, "", 30.0, limiter)
    server = json_server("127.0.0.1:0", JsonDoor([*house.server.servicers, quotas.servicer({})], gate), 2)
    await server.start()
    async with aiohttp.ClientSession() as http:
        limited = Door(house, server, http)
        assert [(await limited.asked()).http_status for _ in range(3)] == [200] * 3
        address = f"http://127.0.0.1:{server.port}"
        async with http.post(f"{address}/{quotas.NAME}/GetQuotas", data=b"{}", headers={**JSON, **KEY}) as response:
            told = (await response.json())["quotas"]
        refused = await limited.asked()
        async with http.get(f"{address}/openapi.json") as response:
            paths = (await response.json())["paths"]
    await server.stop()
    assert told[0] == {"limit": "requests_per_second", "allowed": "2", "usedLastMinute": "4"}
    assert refused.headers
    assert (refused.http_status, refused.reason, refused.headers["retry-after"]) == (429, "RATE_LIMITED", "1")
    assert {GET_TEAM, f"/{quotas.NAME}/GetQuotas"} <= paths.keys()


async def test_a_fault_of_ours_tells_nothing_of_its_inside(door: Door) -> None:
    door.house.public.behave = raising(KeyError("password=hunter2"))
    mine = trace.new_traceparent()
    outcome = await door.asked(traceparent=mine)
    assert (outcome.http_status, outcome.reason, outcome.metadata["trace_id"]) == (500, "INTERNAL", mine[3:35])
    assert outcome.status
    assert "hunter2" not in str(outcome.status)


async def test_nothing_that_was_sent_is_in_the_log(door: Door) -> None:
    with capture_logs() as lines:
        door.house.public.behave = raising(Unavailable("the service is stopping"))
        assert (await door.asked(b'{"teamId": "a-secret-of-mine"}')).http_status == 503
        await door.asked(b'{"teamId": a-secret-of-mine')
        await door.asked(path="/a-secret-of-mine")
    assert [line["event"] for line in lines] == ["call not answered"]
    assert "secret" not in str(lines)


async def test_a_caller_that_goes_cancels_the_call(door: Door) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def behave() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    door.house.public.behave = behave
    before = counted("CANCELLED")
    call = asyncio.create_task(door.asked())
    await begun.wait()
    call.cancel()
    async with asyncio.timeout(10):
        await cancelled.wait()
    await until(lambda: counted("CANCELLED") == before + 1)


async def test_a_call_under_way_is_answered_while_the_door_closes(door: Door) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def behave() -> None:
        begun.set()
        await may_end.wait()

    door.house.public.behave = behave
    call = asyncio.create_task(door.asked())
    await begun.wait()
    stopping = asyncio.create_task(door.server.stop())
    await until(lambda: not door.server._server.servers or not door.server._server.servers[0].is_serving())
    may_end.set()
    assert (await call).code == "OK"
    await stopping


async def test_a_call_has_a_longest_time(door: Door) -> None:
    door.house.server.gate._longest_call = 0.01
    door.house.public.behave = asyncio.Event().wait  # type: ignore[assignment]
    assert (await door.asked()).metadata["cause"] == "there was no answer within 0.01 seconds"


async def test_a_refusal_has_the_http_status_of_its_code(door: Door) -> None:
    expected: list[tuple[ReasonName, int]] = [("TEAM_FULL", 400), ("TEAM_UNKNOWN", 404), ("REQUEST_ID_REUSED", 409)]
    for reason, http_status in expected:
        door.house.public.behave = raising(Rejected(reason, {"unpaid": 2, "maximum": 5}))
        outcome = await door.asked()
        assert (outcome.http_status, outcome.reason) == (http_status, reason)


def test_what_a_status_says_is_said_in_headers_too() -> None:
    status = status_pb2.Status(code=8)
    status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=2, nanos=1)))
    assert (http_status_of(status), headers_of(status)) == (429, [(b"retry-after", b"3")])
    assert headers_of(status_pb2.Status(code=16)) == [(b"www-authenticate", b"Bearer")]


async def test_a_refusal_is_a_status_of_google_rpc(door: Door) -> None:
    async with door.http.post(f"http://127.0.0.1:{door.port}{GET_TEAM}", data=b"{}", headers=JSON) as response:
        body = json.loads(await response.read())
    assert body["code"] == 16
    assert body["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "KEY_MISSING",
            "domain": "groupbuy",
            "metadata": {"retry": "never"},
        }
    ]
