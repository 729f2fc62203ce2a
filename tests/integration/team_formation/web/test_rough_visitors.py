"""Visitors who are slow, odd or long gone: each is answered or let go, and keeps nothing from the others."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from services.chassis.clock import ManualClock
from services.team_formation.opens import count_opens
from tests.support.formation import Formation
from tests.support.until import until
from tests.support.web import Visitor, a_shown_campaign, a_web_edge, an_invite, becomes

WRITES = "services.team_formation.web.opens.count_opens"
ODD_PATHS = ["/", "/robots.txt", "/i/", "/i/AAAAAAAAAAAA/", "/i/%00", "/i/%ff", "/i/" + "A" * 9_000]


@pytest.fixture
async def visitor(formation: Formation) -> AsyncIterator[Visitor]:
    async with a_web_edge(formation) as someone:
        yield someone


async def a_code(formation: Formation, **changes: Any) -> tuple[Any, str]:
    opened = await formation.open(await formation.create(a_shown_campaign(**changes)))
    return opened, await an_invite(formation, opened.team.team_id)


@pytest.mark.parametrize("said", [b"", b"GET /i/AAAAAAAAAAAA HTTP/1.1\r\nhost: x\r\n"])
async def test_who_does_not_finish_its_headers_is_let_go(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr("services.chassis.patience.HEADERS_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.web.port)
    writer.write(said)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_who_sends_headers_by_drops_is_let_go_and_who_waits_for_an_answer_is_not(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.patience.HEADERS_SECONDS", 0.5)
    _, code = await a_code(formation)
    async with visitor.session.get(f"{visitor.origin}/i/{code}/events") as stream:
        assert b"event: time" in await stream.content.readline()
        reader, writer = await asyncio.open_connection("127.0.0.1", visitor.web.port)
        closed = asyncio.create_task(reader.read())
        writer.write(b"GET / HTTP/1.1\r\n")
        async with asyncio.timeout(10):
            while not closed.done():
                writer.write(b"x: y\r\n")
                await asyncio.wait({closed}, timeout=0.1)
        assert closed.exception() is None or isinstance(closed.exception(), ConnectionError)
        writer.close()
        assert not stream.content.at_eof()


async def test_headers_without_an_end_are_refused(visitor: Visitor) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.web.port)
    writer.write(b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 100_000)
    answered = b"HTTP/1.1 400"
    with suppress(ConnectionError):  # what it had not read yet makes the server's system cut the line
        async with asyncio.timeout(10):
            answered = await reader.read()
    assert answered.startswith(b"HTTP/1.1 400")
    writer.close()


@pytest.mark.parametrize(
    "path", ["/", "/robots.txt", "/i/", "/i/AAAAAAAAAAAA/", "/i/%00", "/i/%ff", "/i/" + "A" * 9_000]
)
async def test_a_path_that_is_none_has_a_page_with_all_its_headers(visitor: Visitor, path: str) -> None:
    page = await visitor.get(path, host="evil.example")
    assert page.status == 404
    assert "location" not in page.headers
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_another_method_is_refused(visitor: Visitor) -> None:
    async with visitor.session.post(f"{visitor.origin}/i/AAAAAAAAAAAA") as answer:
        assert answer.status == 405
        assert "content-security-policy" in answer.headers


async def test_what_a_client_takes_is_what_it_gets(formation: Formation, visitor: Visitor) -> None:
    _, code = await a_code(formation)
    plain = await visitor.get(f"/i/{code}", accept_encoding="gzip;q=0, identity")
    assert "content-encoding" not in plain.headers
    packed = await visitor.get(f"/i/{code}", accept_encoding="br, gzip;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert (await visitor.get(f"/i/{code}", if_none_match="*")).status == 304
    async with visitor.session.head(f"{visitor.origin}/i/{code}/events") as answer:
        assert answer.status == 200
    await until(lambda: visitor.web.watch.teams.readers == 1)  # the page's own


async def test_data_that_is_not_there_says_so_as_data(formation: Formation) -> None:
    async with a_web_edge(formation, web_origins="https://shop.example") as visitor:
        answer = await visitor.get("/i/AAAAAAAAAAAA.json", origin="https://shop.example")
    assert (answer.status, json.loads(answer.body)) == (404, {"error": "unknown"})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


async def test_an_open_page_learns_that_its_invite_was_taken_back(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.team_formation.web.streams.CHECK_SECONDS", 0.2)
    opened = await formation.open(await formation.create(a_shown_campaign()))
    invite_id = await formation.invite(opened.team.team_id)
    code = formation.codes.code(invite_id)
    version = (await visitor.data(code))["version"]
    async with visitor.session.get(f"{visitor.origin}/i/{code}/events?after={version}") as stream:
        waiting = asyncio.create_task(visitor.get(f"/i/{code}.json?after={version}"))
        await formation.revoke(opened.team.team_id, invite_id)
        async with asyncio.timeout(15):
            assert b"event: page" not in await stream.read()
            assert (await waiting).status == 404


async def test_an_open_page_learns_that_its_invite_is_used_up(
    formation: Formation, visitor: Visitor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.team_formation.web.streams.CHECK_SECONDS", 0.2)
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id, expires_at=clock.now() + timedelta(minutes=1))
    version = (await visitor.data(code))["version"]
    async with visitor.session.get(f"{visitor.origin}/i/{code}/events?after={version}") as stream:
        clock.move(timedelta(minutes=2))
        async with asyncio.timeout(15):
            async for line in stream.content:
                if line.startswith(b"data: ") and b"has expired" in line:
                    break


async def test_who_asks_again_of_a_team_that_has_ended_waits_like_everybody(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, code = await a_code(formation)
    await formation.cancel(opened.team.team_id)
    ended = await visitor.data(code)
    assert ended["state"] == "CANCELLED"
    asked = asyncio.create_task(visitor.data(code, ended["version"]))
    done, _ = await asyncio.wait({asked}, timeout=0.5)
    assert not done
    asked.cancel()
    monkeypatch.setattr("services.team_formation.web.streams.POLL_SECONDS", 0.1)
    assert (await visitor.data(code, ended["version"]))["version"] == ended["version"]


async def test_a_team_that_has_ended_is_read_again_now_and_then(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.team_formation.web.live.STALE_SECONDS", 0.2)
    opened, code = await a_code(formation, maximum=2)
    await formation.confirm(opened.seat)
    late = (await formation.join(opened.team.team_id, "lin")).seat
    await formation.confirm(late)
    formed = await becomes(lambda: visitor.data(code), lambda data: data["state"] == "FORMED")
    assert formed["seats"]["confirmed"] == 2
    await formation.default(late)
    await becomes(lambda: visitor.data(code), lambda data: data["seats"]["confirmed"] == 1)


async def test_counts_are_kept_whatever_stops_their_writing(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, code = await a_code(formation)
    await visitor.get(f"/i/{code}")
    begun = asyncio.Event()

    async def hanging(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(WRITES, hanging)
    writing = asyncio.create_task(visitor.web.opens.run_once())
    await begun.wait()
    writing.cancel()
    await asyncio.wait([writing])
    monkeypatch.setattr(WRITES, count_opens)
    await visitor.web.opens.run_once()
    assert await formation.rows("SELECT opened FROM invite_opens") == [(1,)]


async def test_a_page_at_hand_is_shown_while_the_database_is_away(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, code = await a_code(formation)
    assert (await visitor.get(f"/i/{code}")).status == 200

    async def away(*_: object) -> None:
        raise psycopg.OperationalError("the server is away")

    monkeypatch.setattr("services.team_formation.web.visits.store.find_invite", away)
    monkeypatch.setattr("services.team_formation.web.visits.FRESH_SECONDS", 0.0)
    assert (await visitor.get(f"/i/{code}")).status == 200
    monkeypatch.setattr("services.team_formation.web.visits.STALE_SECONDS", 0.0)
    assert (await visitor.get(f"/i/{code}")).status == 503


async def test_a_request_that_says_its_length_in_two_ways_ends_its_connection(visitor: Visitor) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.web.port)
    head = b"POST /hooks/slack/x HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"
    writer.write(head + b"0\r\n\r\nGET /i/AAAAAAAAAAAA HTTP/1.1\r\nhost: x\r\n\r\n")
    async with asyncio.timeout(10):
        answered = await reader.read()
    assert answered.startswith(b"HTTP/1.1 400")
    assert answered.count(b"HTTP/1.1 ") == 1
    writer.close()
