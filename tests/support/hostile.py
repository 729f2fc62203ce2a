"""Requests that nobody honest sends: made by damaging good ones, field by field, as their descriptors allow."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

STRINGS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\n",
    "\r\nBcc: everybody",
    "\x7f",
    "\ud7ff\ue000",
    "\U0001f96d" * 50,
    "\u202eevil",
    "x" * 63,
    "x" * 65,
    "x" * 20_000,
    "mei@example.com",
    "+4915112345678",
    "'; DROP TABLE seats; --",
    "%s%(x)s{x}{{ 7 * 7 }}",
    "https://[",
    "https://[::1",
    "https://x:99999999/",
    "https://example.com/\0",
    "http://\u2100.example",
    "../../etc/passwd",
    "EUR",
    "XXX",
    "eur",
    "Asia/Shanghai",
    "Asia",
    "\udcff".encode("utf-8", "replace").decode(),
    "zh-Hans-\u00e4",
    "team_",
    "seat_AAAA",
    "team_" + "A" * 43,
    "team_" + "_" * 43,
    "camp_" + "\u00e9" * 22,
    "plat_" + "A" * 22,
)
NUMBERS = (0, 1, -1, 2, 99, 1000, 10_000, 2**31 - 1, -(2**31), 2**31, 10**12, 10**12 + 1, 2**63 - 1, -(2**63))
MOST_COPIES = 300


class Damager:
    """Damages messages; the same seed damages alike. `words` are ids and codes that exist."""

    def __init__(self, seed: float, words: Sequence[str]) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._words = words

    def nudged(self, good: Message) -> Message:
        """Give a copy that could be a mistake: one field another id or word, one more or less, or left out."""
        message = type(good)()
        message.CopyFrom(good)
        found = list(places(message))
        if found:
            self._nudge(*self._random.choice(found))
        return message

    def _nudge(self, owner: Message, field: FieldDescriptor) -> None:
        kinds = FieldDescriptor
        value: Any = getattr(owner, field.name)
        if field.is_repeated or field.message_type or self._random.random() < 0.2:
            owner.ClearField(field.name)
        elif field.type == kinds.TYPE_STRING:
            setattr(owner, field.name, self._random.choice(self._words))
        elif field.cpp_type == kinds.CPPTYPE_BOOL:
            setattr(owner, field.name, not value)
        elif field.cpp_type == kinds.CPPTYPE_ENUM:
            setattr(owner, field.name, self._random.randrange(6))
        elif field.type == kinds.TYPE_BYTES:
            setattr(owner, field.name, value[:-1])
        else:
            setattr(owner, field.name, max(0, value + self._random.choice((-1, 1))))

    def damaged(self, good: Message) -> Message:
        """Give a copy with one to three fields damaged, anywhere in it."""
        message = type(good)()
        message.CopyFrom(good)
        for _ in range(self._random.randint(1, 3)):
            found = list(places(message))
            if found:
                self._damage(*self._random.choice(found))
        return message

    def cut(self, good: Message) -> bytes:
        """Give bytes that a broken client would send: some of them changed, some left out."""
        raw = bytearray(good.SerializeToString())
        for _ in range(self._random.randint(1, 4)):
            if raw:
                raw[self._random.randrange(len(raw))] = self._random.randrange(256)
        return bytes(raw[: self._random.randint(0, len(raw))] if self._random.random() < 0.5 else raw)

    def _damage(self, owner: Message, field: FieldDescriptor) -> None:
        if self._random.random() < 0.15:
            owner.ClearField(field.name)
        elif field.is_repeated:
            self._damage_list(getattr(owner, field.name), field)
        elif field.message_type:
            getattr(owner, field.name).SetInParent()
        else:
            setattr(owner, field.name, self._scalar(field))

    def _damage_list(self, values: Any, field: FieldDescriptor) -> None:
        if not field.message_type:
            values.extend(self._scalar(field) for _ in range(self._random.choice((1, MOST_COPIES))))
            return
        example = type(values[0])() if values else None
        if example is not None:
            example.CopyFrom(values[0])
        for _ in range(self._random.choice((1, 2, MOST_COPIES))):
            values.add().CopyFrom(example) if example is not None else values.add()

    def _scalar(self, field: FieldDescriptor) -> Any:
        kinds = FieldDescriptor
        if field.cpp_type == kinds.CPPTYPE_STRING:
            if field.type == kinds.TYPE_BYTES:
                return self._random.randbytes(8)
            return self._random.choice(self._words if self._random.random() < 0.3 else STRINGS)
        if field.cpp_type == kinds.CPPTYPE_BOOL:
            return self._random.random() < 0.5
        if field.cpp_type == kinds.CPPTYPE_ENUM:
            return self._random.choice((0, 1, 2, 3, 4, 5, 99, -1, 2**31 - 1))
        narrow = field.cpp_type in {kinds.CPPTYPE_INT32, kinds.CPPTYPE_UINT32}
        lowest = 0 if field.cpp_type in {kinds.CPPTYPE_UINT32, kinds.CPPTYPE_UINT64} else -(2**63)
        fitting = [item for item in NUMBERS if item >= lowest and (not narrow or -(2**31) <= item < 2**31)]
        return self._random.choice(fitting)


def places(message: Message) -> Iterator[tuple[Message, Any]]:
    """Give every field of a message and of the messages in it; the id of the request stays as it is."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type and field.message_type.GetOptions().map_entry:
            continue  # a map's keys and values are left alone
        if field.name != "request_id":
            yield message, field
        if field.message_type is None:
            continue
        if field.is_repeated:
            for item in getattr(message, field.name)[:5]:
                yield from places(item)
        elif message.HasField(field.name):
            yield from places(getattr(message, field.name))
