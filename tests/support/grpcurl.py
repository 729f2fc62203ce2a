"""Stands in for grpcurl where a page of the documentation is played: it knows only what reflection says.

grpcurl.py -plaintext -H "NAME: VALUE" -d @ ADDRESS SERVICE/METHOD        the request as JSON on standard input
"""

import sys
from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main(words: Sequence[str]) -> None:
    """Make one call; an answer is written as JSON, a refusal ends with its code and text."""
    plaintext, flag, header, data, source, address, path = words
    if (plaintext, flag, data, source) != ("-plaintext", "-H", "-d", "@"):
        sys.exit(f"these words are not for here: {' '.join(words)}")
    name, _, value = header.partition(": ")
    with grpc.insecure_channel(address) as channel:
        try:
            answer = call(channel, path, sys.stdin.read(), (name, value))
        except grpc.RpcError as error:
            sys.exit(f"ERROR: {error}")
    print(json_format.MessageToJson(answer, preserving_proto_field_name=True))  # noqa: T201 - what it is for


def call(channel: grpc.Channel, path: str, body: str, metadata: tuple[str, str]) -> Any:
    """Call SERVICE/METHOD by descriptors alone."""
    service, _, name = path.partition("/")
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName(service).FindMethodByName(name)
    request = json_format.Parse(body, message_factory.GetMessageClass(method.input_type)())
    ask: Any = channel.unary_unary(
        f"/{path}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    return ask(request, metadata=(metadata,), timeout=10)


if __name__ == "__main__":
    main(sys.argv[1:])
