"""What a stranger with a generic gRPC client finds: health and reflection on every service, enough to make a call."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from deploy.local.stack import Stack, StackOptions

SERVICES = {
    "team_formation": "groupbuy.team_formation.v1.TeamFormation",
    "pricing": "groupbuy.pricing.v1.Pricing",
    "notification": "groupbuy.notification.v1.Notification",
}


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """The whole engine."""
    running = Stack(StackOptions(data=tmp_path / "data"))
    await running.start()
    yield running
    await running.stop()


async def test_a_generic_client_finds_its_way(stack: Stack) -> None:
    for part, name in SERVICES.items():
        with grpc.insecure_channel(stack.address(part)) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            health = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
            assert health.status == health_pb2.HealthCheckResponse.SERVING
            database = ProtoReflectionDescriptorDatabase(channel)
            assert name in database.get_services()
            found = descriptor_pool.DescriptorPool(database).FindServiceByName(name)
            assert [method.name for method in found.methods]
    method = _method(stack, "groupbuy.team_formation.v1.TeamFormation", "ResolveInvite")
    with grpc.insecure_channel(stack.address("team_formation")) as channel, pytest.raises(grpc.RpcError) as refused:
        _call(channel, method, {"code": "0123456789AB"}, stack.key)
    assert "There is no such invite" in str(refused.value)


def _method(stack: Stack, service: str, name: str) -> MethodDescriptor:
    with grpc.insecure_channel(stack.address("team_formation")) as channel:
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        return pool.FindServiceByName(service).FindMethodByName(name)


def _call(channel: grpc.Channel, method: MethodDescriptor, body: dict[str, str], key: str) -> object:
    """Call by descriptors alone, as a generic client does, with JSON for the body."""
    request = json_format.ParseDict(body, message_factory.GetMessageClass(method.input_type)())
    response = message_factory.GetMessageClass(method.output_type)
    call: Any = channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response.FromString,
    )
    return call(request, metadata=(("authorization", f"Bearer {key}"),), timeout=10)
