"""The TypeScript client in Node, on a real server's door of JSON: key, policy, refusals, and what it verifies."""

import asyncio
import re
from typing import Any

from google.protobuf import json_format
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis.errors import Rejected, Unavailable, invalid
from tests.support.client_vectors import handovers, webhooks
from tests.support.shaky import KEY, PLATFORM, ShakyServer
from tests.support.typescript_client import FOLDER, TypeScriptClient

GIVEN = """
declare const key: string, token: string, jwks: string, platformId: string, memberId: string;
declare function show(text: string): void;
// @ts-expect-error a slip, which the compiler has to find
void engine.teamFormation.joinTeam({ memberld: memberId });
"""
JOIN = {"requestId": "r-1", "teamId": "team_x", "memberId": "tom", "sku": "tea", "quantity": "1"}


def joining(server: ShakyServer, **changes: Any) -> dict[str, Any]:
    call = {"service": "teamFormation", "method": "joinTeam", "request": JOIN, "key": KEY}
    return {**call, "urls": {"teamFormation": server.http}, **changes}


def test_its_types_take_the_example_of_its_page_and_no_slip(client: TypeScriptClient) -> None:
    [example] = re.findall(r"```ts\n(.*?)```", (FOLDER / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert client.complaints(example + GIVEN) == ""


async def test_it_believes_what_the_engine_signs_and_nothing_else(client: TypeScriptClient) -> None:
    posts, tokens = webhooks(), handovers()
    results = await client.run(webhooks=posts, handovers=tokens)
    for post, result in zip(posts, results["webhooks"], strict=True):
        assert result.get("error") == (None if post["good"] else "WebhookError"), post["about"]
        if post["good"]:
            assert result["answer"]["data"] == {"title": "Mangos ñ 芒果"}
    for token, result in zip(tokens, results["handovers"], strict=True):
        assert (result.get("reason"), result.get("answer", {}).get("tokenId")) == (
            token["reason"],
            token["token_id"],
        ), token["about"]


async def test_what_is_unavailable_is_asked_again_with_the_same_request_id(
    client: TypeScriptClient, shaky: ShakyServer
) -> None:
    shaky.servicer.failing = [Unavailable("it starts"), Unavailable("it starts")]
    [result] = (await client.run(calls=[joining(shaky)]))["calls"]
    assert result["answer"] == {"seat": {"seatId": str(PLATFORM), "memberId": "tom", "quantity": "3"}}
    assert shaky.servicer.asked == [json_format.ParseDict(JOIN, pb.JoinTeamRequest())] * 3


async def test_a_refusal_is_asked_once_and_is_data(client: TypeScriptClient, shaky: ShakyServer) -> None:
    shaky.servicer.failing = [Rejected("TEAM_FULL", {"unpaid": 2, "maximum": 5}), invalid("quantity", "must be 1")]
    full, bad, unknown, keyless = (
        await client.run(
            calls=[
                joining(shaky),
                joining(shaky),
                joining(shaky, request={"teamld": "x"}),
                joining(shaky, key="gbk_k1_wrong"),
            ],
        )
    )["calls"]
    assert (full["error"], full["reason"], full["retry"]) == ("Refused", "TEAM_FULL", "after")
    assert full["metadata"] == {"unpaid": "2", "maximum": "5"}
    assert full["buyer"]
    assert (bad["fields"], "buyer" in bad) == ({"quantity": "must be 1"}, False)
    assert unknown["fields"] == {"teamld": "there is no such field"}
    assert keyless["reason"] == "KEY_UNKNOWN"
    assert len(shaky.servicer.asked) == 2


async def test_it_is_given_up_after_five_attempts_or_at_its_deadline(
    client: TypeScriptClient, shaky: ShakyServer
) -> None:
    shaky.servicer.failing = [Unavailable("it is gone")] * 20
    first, _ = (
        await client.run(calls=[joining(shaky), joining(shaky, method="revokeMemberLink", request={"seatId": "x"})])
    )["calls"]
    assert (first["reason"], first["metadata"]) == ("UNAVAILABLE", {"cause": "it is gone"})
    assert len(shaky.servicer.asked) == 5
    assert len(shaky.servicer.failing) == 20 - 5 - 1


async def test_whoever_says_nothing_or_something_else_is_unanswered(
    client: TypeScriptClient, shaky: ShakyServer
) -> None:
    silent = await asyncio.start_server(_nothing, "127.0.0.1", 0)
    page = await asyncio.start_server(_a_page, "127.0.0.1", 0)
    urls = [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in (silent, page)]
    calls = [joining(shaky, urls={"teamFormation": url}, options={"timeoutMs": 700}) for url in urls]
    late, other = (await client.run(calls=calls))["calls"]
    assert (late["error"], late["message"]) == ("Unanswered", "there was no answer in time")
    assert other["error"] == "Unanswered"
    for server in (silent, page):
        server.close()
        await server.wait_closed()


async def _nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer nothing until the caller goes."""
    await reader.read()
    writer.close()


async def _a_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a proxy does that reaches nobody."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>")
    await writer.drain()
    writer.close()
