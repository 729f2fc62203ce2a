"""Describes the calls of a public service as an OpenAPI 3.1 document, made from the protos and their comments.

https://spec.openapis.org/oas/v3.1.1.html; how values are written as JSON: https://protobuf.dev/programming-guides/json/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, MethodDescriptorProto

from tools.descriptors import Api

Json: TypeAlias = dict[str, Any]

HTTP_OF_CODE = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""As https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto has it."""
STATUS = "google.rpc.Status"
KEY = "platformKey"
BAD_REQUESTS = {405: "not by this method", 408: "too slow", 413: "too long", 415: "not JSON"}
"""What HTTP has a status of its own for; the reason is INVALID_ARGUMENT."""

_TYPES = FieldDescriptorProto
_INTEGER_64 = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
_SCALARS: Mapping[int, Json] = {
    _TYPES.TYPE_STRING: {"type": "string"},
    _TYPES.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    _TYPES.TYPE_BOOL: {"type": "boolean"},
    _TYPES.TYPE_INT32: {"type": "integer", "format": "int32"},
    _TYPES.TYPE_SINT32: {"type": "integer", "format": "int32"},
    _TYPES.TYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    _TYPES.TYPE_INT64: _INTEGER_64,
    _TYPES.TYPE_SINT64: _INTEGER_64,
    _TYPES.TYPE_UINT64: {"type": "string", "pattern": "^[0-9]+$"},
    _TYPES.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _TYPES.TYPE_FLOAT: {"type": "number", "format": "float"},
}
_WELL_KNOWN: Mapping[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["600s"]},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.FieldMask": {"type": "string", "examples": ["title,startsAt"]},
}
_ABOUT = """

Numbers of 64 bits are texts; a field that is 0, false or empty is left out of answers. Names may be given as here or as
in the protos (`request_id`); a name that is not known is refused. Calls that answer with a stream are there over gRPC
alone. A refusal is a google.rpc.Status; the reasons are explained in docs/refusals.md."""


def document(api: Api, service: str, reasons: Mapping[str, Json], version: str) -> Json:
    """Make the document of one service; `reasons` is what proto/reasons.toml has."""
    methods = api.unary(service)
    asked = api.reached_from([method.input_type[1:] for method in methods])
    answered = set(api.reached_from([method.output_type[1:] for method in methods]))
    calls = api.reasons(service)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": service,
            "version": version,
            "description": api.comments[service] + _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{KEY: []}],
        "paths": {
            f"/{service}/{method.name}": {"post": _operation(api, service, method, calls[method.name], reasons)}
            for method in methods
        },
        "components": {
            "schemas": {
                **{
                    name: _schema(api, name, is_strict=name not in answered)
                    for name in sorted({*asked, *answered})
                    if not (name in api.messages and api.messages[name].options.map_entry)
                },
                **_errors(),
            },
            "securitySchemes": {
                KEY: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "gbk_<id>_<secret> or, of the test twin, gbt_<id>_<secret>",
                    "description": "A platform's key. It belongs on servers: a page or an app must not contain it.",
                }
            },
        },
    }


def _operation(
    api: Api, service: str, method: MethodDescriptorProto, own: list[str], reasons: Mapping[str, Json]
) -> Json:
    comment = api.comments.get(f"{service}.{method.name}", "")
    fields = {field.name for field in api.messages[method.input_type[1:]].field}
    kinds = {
        "call",
        "call over HTTP",
        *(f"call with a {name}" for name in ("request_id", "page_token") if name in fields),
    }
    everywhere = [name for name, reason in reasons.items() if reason.get("every") in kinds]
    return {
        "operationId": method.name,
        "summary": comment.partition(". ")[0].rstrip("."),
        "description": comment,
        "tags": [service.rpartition(".")[2]],
        "requestBody": {"required": True, "content": _content(method.input_type[1:])},
        "responses": {
            "200": {"description": "The answer.", "content": _content(method.output_type[1:])},
            **_refusals([*own, *everywhere], reasons),
            "default": _refusal("Any other refusal."),
        },
    }


def _refusals(names: list[str], reasons: Mapping[str, Json]) -> Json:
    by_status: dict[int, list[str]] = {}
    for name in dict.fromkeys(names):
        by_status.setdefault(HTTP_OF_CODE[reasons[name]["code"]], []).append(name)
    by_status |= {
        status: [f"INVALID_ARGUMENT: {why}"] for status, why in BAD_REQUESTS.items() if status not in by_status
    }
    return {str(status): _refusal(", ".join(by_status[status])) for status in sorted(by_status)}


def _refusal(description: str) -> Json:
    return {"description": description, "content": _content(STATUS)}


def _content(schema: str) -> Json:
    return {"application/json": {"schema": _reference(schema)}}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _schema(api: Api, name: str, *, is_strict: bool) -> Json:
    comment = {"description": api.comments[name]} if name in api.comments else {}
    if name in api.enums:
        values = api.enums[name].value
        said = [
            f"{value.name}: {api.comments[f'{name}.{value.name}']}"
            for value in values
            if f"{name}.{value.name}" in api.comments
        ]
        whole = "\n\n".join([*comment.values(), *said])
        return {"type": "string", "enum": [value.name for value in values], **({"description": whole} if whole else {})}
    message = api.messages[name]
    properties = {field.json_name: _property(api, f"{name}.{field.name}", field) for field in message.field}
    # an answer may have more in a later release; a request with a name that is not known is refused
    closed = {"additionalProperties": False} if is_strict else {}
    return {"type": "object", **comment, "properties": properties, **_one_of(message), **closed}


def _one_of(message: DescriptorProto) -> Json:
    """Say that of the fields of a oneof no two are there at once."""
    pairs = []
    for at, _ in enumerate(message.oneof_decl):
        names = [
            field.json_name
            for field in message.field
            if field.HasField("oneof_index") and field.oneof_index == at and not field.proto3_optional
        ]
        pairs += [{"required": [one, other]} for place, one in enumerate(names) for other in names[place + 1 :]]
    return {"not": {"anyOf": pairs}} if pairs else {}


def _property(api: Api, name: str, field: FieldDescriptorProto) -> Json:
    comment = {"description": api.comments[name]} if name in api.comments else {}
    entry = api.map_entry(field)
    if entry is not None:
        value = next(item for item in entry.field if item.name == "value")
        return {"type": "object", **comment, "additionalProperties": _value(value)}
    if field.label == field.LABEL_REPEATED:
        return {"type": "array", **comment, "items": _value(field)}
    return {**_value(field), **comment}


def _value(field: FieldDescriptorProto) -> Json:
    if field.type in _SCALARS:
        return _SCALARS[field.type]
    name = field.type_name[1:]
    return _WELL_KNOWN.get(name) or _reference(name)


def _errors() -> Json:
    """Describe what is answered where a call is refused."""
    details: dict[str, Json] = {
        "ErrorInfo": {
            "reason": {"type": "string", "description": "Why, as a name that never changes its meaning."},
            "domain": {"type": "string", "const": "groupbuy"},
            "metadata": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": 'What belongs to the reason, and "retry": never, new_id, same_id or after.',
            },
        },
        "BadRequest": {
            "fieldViolations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"field": {"type": "string"}, "description": {"type": "string"}},
                },
            }
        },
        "RetryInfo": {"retryDelay": {**_WELL_KNOWN["google.protobuf.Duration"], "description": "When to come back."}},
    }
    return {
        STATUS: {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "integer", "format": "int32", "description": "The number of a google.rpc.Code."},
                "message": {"type": "string", "description": "In English, for developers; its wording may change."},
                "details": {
                    "type": "array",
                    "description": "An ErrorInfo always; a BadRequest where fields are at fault.",
                    "items": {"anyOf": [_reference(f"google.rpc.{name}") for name in details]},
                },
            },
        },
        **dict(_details(details)),
    }


def _details(details: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for name, properties in details.items():
        kind = {"@type": {"const": f"type.googleapis.com/google.rpc.{name}"}}
        yield f"google.rpc.{name}", {"type": "object", "required": ["@type"], "properties": {**kind, **properties}}
