"""One API behind two doors: every unary public RPC answers and refuses over JSON what it does over gRPC."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.support.database import Database
from tests.support.engine import SERVICE_KEY, an_engine
from tests.support.hostile import Damager
from tests.support.openapi import problems, problems_of_request
from tests.support.rpcs import good_requests, methods
from tests.support.two_doors import BEARER, Outcome, TwoDoors, public_methods, two_doors

NEW_EACH_TIME = {"RevokeMemberLink", "RevokePromoterLink", "MakeChatCode", "GetQuotas", "CreateKey"}
"""Whose answer is another with every call, request id or not: GetQuotas counts the call itself, a key is shown once."""
UNARY = [method for method in public_methods() if not method.server_streaming]
SEED = 20261121
DAMAGES = 2
"""Of each call's good request."""


@pytest.fixture
async def doors(database: Database) -> AsyncIterator[TwoDoors]:
    async with an_engine(database) as engine, two_doors(engine) as made:
        yield made


async def test_every_call_gives_the_same_answer_at_both_doors(doors: TwoDoors) -> None:
    good, _ = await good_requests(doors)
    different, unsaid = [], []
    for method in UNARY:
        request = named(good[method.input_type.full_name], f"doors-{method.name}")
        outcomes = [await call(method, request) for call in (doors.by_json, doors.by_grpc, doors.by_json)]
        assert not {item.code for item in outcomes} & {"INTERNAL", "UNKNOWN"}, method.full_name
        unsaid += problems(method, outcomes[0].http_status, outcomes[0].body)
        unsaid += problems_of_request(method, json_format.MessageToJson(request).encode())
        if said(outcomes[0]) != said(outcomes[1]) or said(outcomes[1]) != said(outcomes[2]):
            different.append(method.name)
            assert len({item.code for item in outcomes}) == 1, method.full_name
    assert set(different) <= NEW_EACH_TIME
    assert not unsaid


async def test_every_call_refuses_the_same_at_both_doors(doors: TwoDoors) -> None:
    good, words = await good_requests(doors)
    damager = Damager(SEED, words)
    codes: Counter[str] = Counter()
    unsaid = []
    for number, method in enumerate(UNARY * DAMAGES):
        damaged = named(damager.damaged(good[method.input_type.full_name]), f"damaged-{number}")
        if not is_json(damaged):
            continue
        one, other = await doors.by_json(method, damaged), await doors.by_grpc(method, damaged)
        unsaid += problems(method, one.http_status, one.body)
        assert refused(one) == refused(other), f"{method.full_name} {damaged!s:.500}"
        codes[one.code] += 1
    assert not unsaid
    assert codes["INVALID_ARGUMENT"] > 25
    assert codes["OK"] > 10


async def test_without_a_key_no_body_is_read(doors: TwoDoors) -> None:
    for method in UNARY:
        one = await doors.posted(method, b"not read", {})
        other = await doors.by_grpc(method, GetMessageClass(method.input_type)(), {})
        assert (one.code, one.reason, one.http_status) == ("UNAUTHENTICATED", "KEY_MISSING", 401)
        assert refused(one) == refused(other)
        assert one.headers
        assert one.headers["www-authenticate"] == "Bearer"


async def test_each_door_describes_what_it_offers(doors: TwoDoors) -> None:
    for base in set(doors.bases.values()):
        async with doors.http.get(f"{base}/openapi.json") as response:
            found = await response.json()
        names = {name for name, other in doors.bases.items() if other == base}
        offered = [method for method in UNARY if method.containing_service.full_name in names]
        assert set(found["paths"]) == {f"/{item.containing_service.full_name}/{item.name}" for item in offered}


async def test_streams_and_the_services_own_calls_are_not_there(doors: TwoDoors) -> None:
    for method in methods():
        if method.containing_service.full_name.endswith("Internal"):
            for bearer in (BEARER, {"authorization": f"Bearer {SERVICE_KEY}"}):
                outcome = await doors.posted(method, b"{}", bearer)
                assert (outcome.http_status, outcome.reason) == (404, "CALL_UNKNOWN"), method.full_name
        elif method.server_streaming:
            outcome = await doors.posted(method, b"{}")
            assert (outcome.http_status, outcome.reason) == (501, "CALL_STREAMS"), method.full_name


def named(request: Any, request_id: str) -> Message:
    """Give a request an id, where its kind has one."""
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = request_id
    return cast("Message", request)


def is_json(request: Message) -> bool:
    """Tell whether a request can be said in JSON: a time of the year 300,000 cannot."""
    try:
        json_format.MessageToJson(request)
    except (json_format.Error, ValueError):
        return False
    return True


def said(outcome: Outcome) -> tuple[object, ...]:
    """What a caller is told."""
    return outcome.answer, *refused(outcome)


def refused(outcome: Outcome) -> tuple[object, ...]:
    """How a call was refused, if it was."""
    message = outcome.status.message if outcome.status else ""
    return outcome.code, message, outcome.reason, outcome.metadata, outcome.fields
