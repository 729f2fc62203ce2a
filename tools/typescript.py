"""Writes the types, calls, reasons and policy of the TypeScript client from the protos and the tables beside them.

Values are as in protobuf's JSON: https://protobuf.dev/programming-guides/json/. A field may be missing, which means
that it is 0, false or empty.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from tools.descriptors import Api

HEAD = "// Generated from proto/: do not edit.\n"
WIDTH = 110

_TYPES = FieldDescriptorProto
_SCALARS = {
    _TYPES.TYPE_STRING: "string",
    _TYPES.TYPE_BYTES: "Base64",
    _TYPES.TYPE_BOOL: "boolean",
    _TYPES.TYPE_INT32: "number",
    _TYPES.TYPE_SINT32: "number",
    _TYPES.TYPE_UINT32: "number",
    _TYPES.TYPE_INT64: "Int64",
    _TYPES.TYPE_SINT64: "Int64",
    _TYPES.TYPE_UINT64: "Int64",
    _TYPES.TYPE_DOUBLE: "number",
    _TYPES.TYPE_FLOAT: "number",
}
_WELL_KNOWN = {
    "google.protobuf.Timestamp": "Timestamp",
    "google.protobuf.Duration": "Duration",
    "google.protobuf.FieldMask": "FieldMask",
}
_ALIASES = """
/** A whole number of 64 bits, as its digits: a number of JavaScript would round it. */
export type Int64 = string;
/** Bytes in base64. */
export type Base64 = string;
/** A time in UTC, as in "2026-11-29T08:00:00Z". */
export type Timestamp = string;
/** Seconds, as in "600s". */
export type Duration = string;
/** Names of fields, as in "title,startsAt". */
export type FieldMask = string;
"""


def files(api: Api, reasons: Mapping[str, Any], policy: str) -> dict[str, str]:
    """Give the text of each generated file by its name."""
    ours = [name for name in [*api.messages, *api.enums] if name.startswith("groupbuy.") and not api.is_internal(name)]
    packages = sorted({_package(name) for name in ours})
    return {
        "scalars.ts": HEAD + _ALIASES,
        **{f"{_module(package)}.ts": _of_package(api, package, packages) for package in packages},
        "services.ts": _services(api),
        "reasons.ts": _reasons(reasons),
        "policy.ts": f"{HEAD}\n/** A gRPC service config: deadlines, and what is sent again. */\n"
        f"export const POLICY = {policy.strip()} as const;\n",
    }


def _package(name: str) -> str:
    """Take the package of a full name: up to and with the version."""
    parts = name.split(".")
    return ".".join(parts[: parts.index("v1") + 1]) if "v1" in parts else ""


def _module(package: str) -> str:
    return package.split(".")[1]


def _of_package(api: Api, package: str, packages: list[str]) -> str:
    own = [
        name for name in sorted([*api.messages, *api.enums]) if _package(name) == package and not api.is_internal(name)
    ]
    parts = [
        _enum(api, name) if name in api.enums else _message(api, name, package)
        for name in own
        if not _is_entry(api, name)
    ]
    text = "\n".join(parts)
    imports = [
        f'import type * as {_module(other)} from "./{_module(other)}.js";\n'
        for other in packages
        if other != package and re.search(rf"(?:: |, ){_module(other)}\.[A-Z]", text)
    ]
    aliases = ", ".join(name for name in ("Base64", "Duration", "FieldMask", "Int64", "Timestamp") if name in text)
    if aliases:
        imports.append(f'import type {{ {aliases} }} from "./scalars.js";\n')
    return "\n".join([HEAD, "".join(imports), text])


def _is_entry(api: Api, name: str) -> bool:
    return name in api.messages and api.messages[name].options.map_entry


def _enum(api: Api, name: str) -> str:
    values = "\n".join(f'  | "{value.name}"' for value in api.enums[name].value)
    said = [
        f"{value.name}: {api.comments[f'{name}.{value.name}']}"
        for value in api.enums[name].value
        if f"{name}.{value.name}" in api.comments
    ]
    comment = "\n\n".join(filter(None, [api.comments.get(name, ""), *said]))
    return f"{_comment(comment)}export type {_short(name)} =\n{values};\n"


def _message(api: Api, name: str, package: str) -> str:
    fields = "".join(
        f"{_comment(api.comments.get(f'{name}.{field.name}', ''), '  ')}"
        f"  {field.json_name}?: {_type(api, field, package)};\n"
        for field in api.messages[name].field
    )
    return f"{_comment(api.comments.get(name, ''))}export interface {_short(name)} {{\n{fields}}}\n"


def _short(name: str) -> str:
    """Name a type within its package; what is nested is joined by "_"."""
    return name.removeprefix(f"{_package(name)}.").replace(".", "_")


def _type(api: Api, field: FieldDescriptorProto, package: str) -> str:
    entry = api.map_entry(field)
    if entry is not None:
        value = next(item for item in entry.field if item.name == "value")
        return f"Record<string, {_value(value, package)}>"
    return f"{_value(field, package)}[]" if field.label == field.LABEL_REPEATED else _value(field, package)


def _value(field: FieldDescriptorProto, package: str) -> str:
    if field.type in _SCALARS:
        return _SCALARS[field.type]
    name = field.type_name[1:]
    if name in _WELL_KNOWN:
        return _WELL_KNOWN[name]
    other = _package(name)
    return _short(name) if other == package else f"{_module(other)}.{_short(name)}"


def _services(api: Api) -> str:
    modules = [_module(_package(service)) for service in api.public]
    parts = [HEAD, "".join(f'import type * as {name} from "./{name}.js";\n' for name in modules)]
    parts.append('import type { CallOptions } from "../calling.js";\n')
    parts += [_service(api, service) for service in api.public]
    table = {service: [method.name for method in api.unary(service)] for service in api.public}
    said = json.dumps(table, indent=2)
    parts.append(f"/** The calls of each service, by its full name. */\nexport const METHODS = {said} as const;\n")
    return "\n".join(parts)


def _service(api: Api, service: str) -> str:
    module = _module(_package(service))
    calls = "".join(
        f"{_comment(api.comments.get(f'{service}.{method.name}', ''), '  ')}"
        f"  {method.name[0].lower()}{method.name[1:]}(\n"
        f"    request: {module}.{_short(method.input_type[1:])},\n    options?: CallOptions,\n"
        f"  ): Promise<{module}.{_short(method.output_type[1:])}>;\n"
        for method in api.unary(service)
    )
    return f"{_comment(api.comments.get(service, ''))}export interface {service.rpartition('.')[2]} {{\n{calls}}}\n"


def _reasons(reasons: Mapping[str, Any]) -> str:
    table = {
        name: {"code": row["code"], "retry": row["retry"], "audience": row["for"], "buyer": row.get("buyer", {})}
        for name, row in reasons.items()
    }
    said = json.dumps(table, ensure_ascii=False, indent=2)
    return (
        f"{HEAD}\n/** Every reason for a refusal: docs/refusals.md has their meanings. */\n"
        f"export const REASONS = {said} as const;\n\nexport type ReasonName = keyof typeof REASONS;\n"
    )


def _comment(text: str, indent: str = "") -> str:
    if not text:
        return ""
    lines = list(_wrapped(text.replace("*/", "*\\/"), WIDTH - len(indent)))
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def _wrapped(text: str, width: int) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield from textwrap.wrap(paragraph, width, break_long_words=False, break_on_hyphens=False)
