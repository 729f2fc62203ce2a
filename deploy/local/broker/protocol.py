"""The wire format: which requests are served in which versions, taking a frame apart and putting an answer together."""

import struct
from dataclasses import dataclass
from typing import Any, TypeAlias

from kafka.protocol import admin, consumer, metadata, producer
from kafka.protocol.api_key import ApiKey

# The message classes of the Kafka client are built from the protocol's own descriptions and work in both directions;
# they are no public interface of it, which is why its version is pinned.
Message: TypeAlias = Any

_HEAD = struct.Struct(">hhih")  # api key, version, correlation id, length of the client id


class UnsupportedRequest(Exception):
    """A request that this broker does not serve; the text names it and its version."""


@dataclass(frozen=True)
class Api:
    """One kind of request and the versions of it that are served."""

    key: ApiKey
    oldest: int
    newest: int
    request: Message
    response: Message


@dataclass(frozen=True)
class Call:
    """One request as it came, and who sent it."""

    api: Api
    version: int
    correlation: int
    client_id: str
    peer: str
    request: Message


def _api(key: ApiKey, oldest: int, newest: int) -> Api:
    """Versions end before the first that needs what one broker has no use for (topic ids, KIP-848)."""
    for module in (producer, consumer, metadata, admin):
        if hasattr(module, f"{key.name}Request"):
            request, response = getattr(module, f"{key.name}Request"), getattr(module, f"{key.name}Response")
            return Api(key, oldest, newest, request, response)
    raise LookupError(key)


APIS: dict[int, Api] = {
    api.key.value: api
    for api in (
        _api(ApiKey.Produce, 3, 9),
        _api(ApiKey.Fetch, 4, 11),
        _api(ApiKey.ListOffsets, 1, 7),
        _api(ApiKey.Metadata, 0, 9),
        _api(ApiKey.OffsetCommit, 2, 8),
        _api(ApiKey.OffsetFetch, 1, 7),
        _api(ApiKey.FindCoordinator, 0, 3),
        _api(ApiKey.JoinGroup, 0, 7),
        _api(ApiKey.Heartbeat, 0, 4),
        _api(ApiKey.LeaveGroup, 0, 4),
        _api(ApiKey.SyncGroup, 0, 5),
        _api(ApiKey.DescribeGroups, 0, 5),
        _api(ApiKey.ListGroups, 0, 4),
        _api(ApiKey.ApiVersions, 0, 4),
        _api(ApiKey.CreateTopics, 2, 6),
        _api(ApiKey.DeleteTopics, 1, 5),
        _api(ApiKey.DeleteRecords, 0, 2),
        _api(ApiKey.InitProducerId, 0, 4),
        _api(ApiKey.OffsetForLeaderEpoch, 2, 4),
        _api(ApiKey.DescribeConfigs, 1, 4),
        _api(ApiKey.AlterConfigs, 0, 2),
        _api(ApiKey.CreatePartitions, 0, 3),
        _api(ApiKey.DeleteGroups, 0, 2),
        _api(ApiKey.IncrementalAlterConfigs, 0, 1),
        _api(ApiKey.OffsetDelete, 0, 0),
        _api(ApiKey.DescribeCluster, 0, 1),
    )
}


def decode(frame: bytes, peer: str) -> Call:
    """The request in a frame (without its length). Raises UnsupportedRequest, ValueError for what is no request."""
    if len(frame) < _HEAD.size:
        raise ValueError("a frame shorter than the header of a request")
    key, version, correlation, length = _HEAD.unpack_from(frame)
    api = APIS.get(key)
    if api is None or not api.oldest <= version <= api.newest:
        if key == ApiKey.ApiVersions:  # answered in the oldest version, so that the client learns what is served
            return Call(APIS[key], 0, correlation, "", peer, None)
        raise UnsupportedRequest(_describe(key, version))
    end = _HEAD.size + max(length, 0)
    client_id = frame[_HEAD.size : end].decode()
    if api.request.flexible_version_q(version):
        end = _skip_tags(frame, end)
    request = api.request.decode(memoryview(frame)[end:], version=version)
    return Call(api, version, correlation, client_id, peer, request)


def encode(call: Call, answer: Message) -> bytes:
    """The frame of an answer, with its length."""
    answer.API_VERSION = call.version
    answer.with_header(correlation_id=call.correlation)
    return bytes(answer.encode(header=True, framed=True))


def _describe(key: int, version: int) -> str:
    name = ApiKey(key).name if key in set(ApiKey) else "an unknown request"
    api = APIS.get(key)
    served = f"versions {api.oldest} to {api.newest} are served" if api else "it is not served at all"
    return f"{name} (key {key}) version {version}: {served}"


def _skip_tags(frame: bytes, position: int) -> int:
    """Tagged fields of a flexible header; clients send none, and none of them would matter here."""
    count, position = _varint(frame, position)
    for _ in range(count):
        _, position = _varint(frame, position)
        size, position = _varint(frame, position)
        position += size
    return position


def _varint(frame: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = frame[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7
