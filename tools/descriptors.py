"""The protos as protoc describes them, with the comments that it keeps: what documents and clients are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from tools.rpc_reasons import Rpc, all_reasons, read_rpc

# Numbers of fields in descriptor.proto, which the paths of comments are made of.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_FIELDS, _NESTED, _NESTED_ENUMS, _VALUES, _METHODS = 2, 3, 4, 2, 2


@dataclass
class Api:
    """All messages, enums and services by their full names, and the comment of each, of its fields and values."""

    messages: dict[str, DescriptorProto]
    enums: dict[str, EnumDescriptorProto]
    services: dict[str, ServiceDescriptorProto]
    comments: dict[str, str]
    """By full name, paragraphs parted by an empty line; those of lines that were wrapped are joined."""
    files: dict[str, str]
    """The path of the proto that each message and enum is in."""

    @property
    def public(self) -> list[str]:
        """The full names of the services that platforms call."""
        return [name for name in self.services if not name.endswith("Internal")]

    def is_internal(self, name: str) -> bool:
        """Tell whether a message or enum is for the services' own calls."""
        return self.files[name].endswith("_internal.proto")

    def unary(self, service: str) -> list[MethodDescriptorProto]:
        """List the RPCs of a service that answer once."""
        return [method for method in self.services[service].method if not method.server_streaming]

    def reasons(self, service: str) -> dict[str, list[str]]:
        """Give the reasons that the comments of a service's RPCs name, by RPC."""
        calls = [self._rpc(service, method) for method in self.services[service].method]
        return {rpc.name: all_reasons(rpc, calls) for rpc in calls}

    def _rpc(self, service: str, method: MethodDescriptorProto) -> Rpc:
        return read_rpc(service, method.name, self.comments.get(f"{service}.{method.name}", ""))

    def reached_from(self, roots: list[str]) -> list[str]:
        """List the messages and enums that these messages have in them, themselves too, in the order of names."""
        seen: set[str] = set()
        waiting = list(roots)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                fields = self.messages[name].field if name in self.messages else ()
                waiting += [field.type_name[1:] for field in fields if field.type_name]
        return sorted(name for name in seen if not name.startswith("google."))

    def map_entry(self, field: FieldDescriptorProto) -> DescriptorProto | None:
        """Give the entry of a field that is a map."""
        entry = self.messages.get(field.type_name[1:]) if field.type_name else None
        return entry if entry is not None and entry.options.map_entry else None


def read(path: Path) -> Api:
    """Read the set of descriptors that protoc wrote with its source information."""
    api = Api({}, {}, {}, {}, {})
    for file in FileDescriptorSet.FromString(path.read_bytes()).file:
        names = dict(_names(api, file))
        api.files |= dict.fromkeys(names.values(), file.name)
        for place in file.source_code_info.location:
            text = place.leading_comments or place.trailing_comments
            if text and tuple(place.path) in names:
                api.comments[names[tuple(place.path)]] = _joined(text)
    return api


def _joined(comment: str) -> str:
    paragraphs = comment.strip().split("\n\n")
    return "\n\n".join(" ".join(line.strip() for line in paragraph.splitlines()) for paragraph in paragraphs)


def _names(api: Api, file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Enter what is in a file, and give the full name that each path of a comment leads to."""
    for at, message in enumerate(file.message_type):
        yield from _of_message(api, message, f"{file.package}.{message.name}", (_MESSAGES, at))
    for at, enum in enumerate(file.enum_type):
        yield from _of_enum(api, enum, f"{file.package}.{enum.name}", (_ENUMS, at))
    for at, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        api.services[name] = service
        yield (_SERVICES, at), name
        for place, method in enumerate(service.method):
            yield (_SERVICES, at, _METHODS, place), f"{name}.{method.name}"


def _of_message(
    api: Api, message: DescriptorProto, name: str, path: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], str]]:
    api.messages[name] = message
    yield path, name
    for at, field in enumerate(message.field):
        yield (*path, _FIELDS, at), f"{name}.{field.name}"
    for at, nested in enumerate(message.nested_type):
        yield from _of_message(api, nested, f"{name}.{nested.name}", (*path, _NESTED, at))
    for at, enum in enumerate(message.enum_type):
        yield from _of_enum(api, enum, f"{name}.{enum.name}", (*path, _NESTED_ENUMS, at))


def _of_enum(
    api: Api, enum: EnumDescriptorProto, name: str, path: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], str]]:
    api.enums[name] = enum
    yield path, name
    for at, value in enumerate(enum.value):
        yield (*path, _VALUES, at), f"{name}.{value.name}"
