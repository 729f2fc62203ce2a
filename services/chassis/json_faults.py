"""What is wrong with a JSON object that is to be a message: a word for each field that does not fit."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from services.chassis.errors import FieldViolation

MOST_FAULTS = 50
"""Which are looked for; an answer has room for about as many."""
_KINDS = {
    FieldDescriptor.CPPTYPE_STRING: "a text",
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
    FieldDescriptor.CPPTYPE_INT32: "a whole number of 32 bits",
    FieldDescriptor.CPPTYPE_UINT32: "a whole number of 32 bits, 0 or more",
    FieldDescriptor.CPPTYPE_INT64: "a whole number of 64 bits, best as a text",
    FieldDescriptor.CPPTYPE_UINT64: "a whole number of 64 bits, 0 or more, best as a text",
    FieldDescriptor.CPPTYPE_DOUBLE: "a number",
    FieldDescriptor.CPPTYPE_FLOAT: "a number",
}
_WELL_KNOWN = {
    "google.protobuf.Timestamp": 'a time as in "2026-11-29T08:00:00Z"',
    "google.protobuf.Duration": 'seconds as in "600s"',
    "google.protobuf.FieldMask": 'names of fields as in "title,startsAt"',
}


def faults_of(given: Mapping[str, Any], kind: Descriptor) -> tuple[FieldViolation, ...]:
    """List what does not fit a message of this kind; none where the fault lies in no single field."""
    return tuple(islice(_faults(given, kind, ""), MOST_FAULTS))


def _faults(given: object, kind: Descriptor, path: str) -> Iterator[FieldViolation]:
    if not isinstance(given, dict):
        yield FieldViolation(path, "must be an object")
        return
    fields = {item.json_name: item for item in kind.fields}
    taken: dict[str, str] = {}
    for name, value in given.items():
        place = f"{path}.{name}" if path else name
        field = fields.get(name) or kind.fields_by_name.get(name)
        if field is None:
            yield FieldViolation(place or "request", "there is no such field")
        elif value is not None:
            one_of = field.containing_oneof.name if field.containing_oneof else field.name
            if one_of in taken:
                yield FieldViolation(place, f"cannot be there beside {taken[one_of]}")
            taken[one_of] = name
            yield from _faults_of_field(name, value, field, place)


def _faults_of_field(name: str, value: Any, field: FieldDescriptor, place: str) -> Iterator[FieldViolation]:
    is_map = bool(field.message_type and field.message_type.GetOptions().map_entry)
    if not field.message_type or field.message_type.full_name in _WELL_KNOWN or is_map or field.is_repeated:
        if _fits(name, value, field):
            return
        if is_map or not (field.is_repeated and isinstance(value, list)) or not field.message_type:
            yield FieldViolation(place, f"must be {_wanted(field, is_map=is_map)}")
            return
    items = value if field.is_repeated else [value]
    for at, item in enumerate(items):
        yield from _faults(item, field.message_type, f"{place}[{at}]" if field.is_repeated else place)


def _fits(name: str, value: Any, field: FieldDescriptor) -> bool:
    """Ask the library about one field alone."""
    owner = cast("Descriptor", field.containing_type)
    try:
        json_format.ParseDict({name: value}, GetMessageClass(owner)())
    except (json_format.ParseError, ValueError, TypeError, OverflowError, AttributeError):
        return False
    return True


def _wanted(field: FieldDescriptor, *, is_map: bool) -> str:
    if is_map:
        return "an object, each of its values as the field's message says"
    kind = _kind(field)
    return f"a list, each of it {kind}" if field.is_repeated else kind


def _kind(field: FieldDescriptor) -> str:
    if field.message_type:
        return _WELL_KNOWN.get(field.message_type.full_name, "an object")
    if field.enum_type:
        return f"one of {', '.join(value.name for value in field.enum_type.values)}"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "bytes in base64"
    return _KINDS[field.cpp_type]
