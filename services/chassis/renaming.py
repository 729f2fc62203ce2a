"""Replaces a member's id in messages: wherever a field names a member, and nowhere else."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

MEMBER_FIELDS = frozenset(
    {"member_id", "member_ids", "opener_member_id", "promoter_id", "beneficiary_id", "actor", "not_written"}
)
"""Names of the fields that carry ids of members, promoters and staff; a test compares them with proto/."""

OWN_WORDS = frozenset({"label", "note", "text"})
"""What a message says in the words of the member that it names; gone with the id."""

_OVERWRITTEN = b"x"
_LONGEST = 127
"""Of a text whose length takes one byte on the wire."""


def ids_in(message: Message) -> set[str]:
    """Give the ids of members that a message names."""
    found: set[str] = set()
    for part, field, value in _naming(message):
        found.update(value if _is_repeated(field) else [getattr(part, field.name)])
    return found - {""}


def rename(message: Message, old: str, new: str) -> bool:
    """Replace an id by another one, and take away what is said in its member's words; tells whether it was there."""
    changed = False
    for part, field, value in list(_naming(message)):
        if _is_repeated(field):
            if old in value:
                value[:] = [new if one == old else one for one in value]
                changed = True
        elif value == old:
            setattr(part, field.name, new)
            _clear_words(part)
            changed = True
    return changed


def overwrite(raw: bytes, old: str) -> bytes:
    """Overwrite a text in the bytes of a message that cannot be read, so that they keep their form."""
    text = old.encode()
    if not text or len(text) > _LONGEST:
        return raw
    length = bytes([len(text)])
    return raw.replace(length + text, length + _OVERWRITTEN * len(text))


def _clear_words(part: Message) -> None:
    for name in OWN_WORDS & set(part.DESCRIPTOR.fields_by_name):
        part.ClearField(name)


def _naming(message: Any) -> Iterator[tuple[Any, FieldDescriptor, Any]]:
    """Walk the fields that name members: the part of the message, the field and its value."""
    for field, value in message.ListFields():
        if field.message_type is None:
            if field.name in MEMBER_FIELDS and field.type == FieldDescriptor.TYPE_STRING:
                yield message, field, value
        elif names_members(field.message_type):
            for part in _parts(field, value):
                yield from _naming(part)


def _parts(field: FieldDescriptor, value: Any) -> list[Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return list(value.values())
    return list(value) if _is_repeated(field) else [value]


def _is_repeated(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


@cache
def names_members(descriptor: Descriptor) -> bool:
    """Tell whether a message has fields that name members, or parts that have."""
    return any(field.name in MEMBER_FIELDS for kind in _reached(descriptor) for field in kind.fields)


def _reached(descriptor: Descriptor) -> list[Descriptor]:
    """List a message's type and those of its parts, at any depth."""
    found, waiting = {descriptor.full_name: descriptor}, [descriptor]
    while waiting:
        for field in waiting.pop().fields:
            kind = field.message_type
            if kind is not None and kind.full_name not in found:
                found[kind.full_name] = kind
                waiting.append(kind)
    return list(found.values())
