"""A test twin gets each refusal that an RPC for platforms names by asking for it, in every service."""

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from groupbuy.chassis.v1 import scope_pb2

from services.chassis import forcing, platforms
from services.chassis.reasons import placeholders, reasons
from tests.support.database import Database
from tests.support.doors import Said, said_of
from tests.support.engine import hear_of_platforms
from tests.support.key_caller import Caller
from tests.support.rpcs import Server, a_server, is_internal, methods

RPCS = {method.full_name: method for method in methods() if not is_internal(method)}
WITHOUT_TEXT = {"ListChatApps", "GetTestClock"}
FIRST_CHOICES = ("member_id", "request_id")


def asking(rpc: str, name: str, number: int = 0) -> Any:
    """Make a request that asks for a refusal where a platform would: by a member, a request id or another id.

    None where no text stands anywhere in it.
    """
    request = GetMessageClass(RPCS[rpc].input_type)()
    place: Any = request
    while not (texts := _texts(place)):
        inner = [field.name for field in place.DESCRIPTOR.fields if field.type == field.TYPE_MESSAGE]
        if not inner:
            return None
        within = getattr(place, inner[0])
        place = within if isinstance(within, Message) else within.add()
    if "request_id" in texts:
        place.request_id = f"r-{number}"
    setattr(place, next(choice for choice in (*FIRST_CHOICES, *texts) if choice in texts), name)
    return request


def _texts(place: Any) -> list[str]:
    fields = place.DESCRIPTOR.fields
    return [field.name for field in fields if field.type == field.TYPE_STRING and not field.is_repeated]


async def refused(server: Server, rpc: str, request: Any, key: str) -> Said:
    """Make a call that is refused; what is said."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await server.call(RPCS[rpc], request.SerializeToString(), key)
    return said_of(error.value)


async def test_every_reason_of_every_rpc_can_be_asked_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms, "FRESH_SECONDS", 0)
    counted = dict[str, int]()
    async with a_server(database) as server:
        key = (await Caller(server).create(scope_pb2.SCOPE_ADMIN, test=True)).secret
        await hear_of_platforms(server.engine)
        for number, (rpc, name) in enumerate(asked_for()):
            texts = f"test_refuse_{name}", f"test_refuse_{rpc.rpartition('.')[2]}_{name}.{number}"
            request = asking(rpc, texts[number % 2], number)
            said = await refused(server, rpc, request, key)
            assert (rpc, said.reason) == (rpc, name)
            assert set(said.metadata) - {"retry"} == set(reasons()[name].metadata)
            again = await refused(server, rpc, request, key)
            assert (again.reason, again.metadata, again.text) == (said.reason, said.metadata, said.text)
            service = rpc.split(".")[1]
            counted[service] = counted.get(service, 0) + 1
        assert await server.engine.formation.rows("SELECT count(*) FROM campaigns") == [(0,)]
    assert counted["team_formation"] > 200
    assert counted["notification"] > 80
    assert counted["pricing"] > 30


def asked_for() -> list[tuple[str, str]]:
    """List every RPC that has a text to ask by, with each reason that it names and one of every call."""
    return [
        (rpc, name) for rpc in RPCS if asking(rpc, "x") for name in [*forcing.by_rpc().get(rpc, ()), "RATE_LIMITED"]
    ]


def test_what_names_reasons_has_a_text_to_ask_by() -> None:
    without = {rpc.rpartition(".")[2] for rpc in RPCS if forcing.by_rpc().get(rpc) and asking(rpc, "x") is None}
    assert without == WITHOUT_TEXT


def test_counts_that_buyers_read_look_like_counts() -> None:
    counts = {name for reason in reasons().values() for text in reason.buyer.values() for name in placeholders(text)}
    assert counts <= forcing.NUMBERS
