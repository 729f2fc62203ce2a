"""Requests serialised ahead: only the digits of a number change from one to the next, never a length."""

from collections.abc import Iterator, Sequence
from itertools import count, cycle

from google.protobuf.message import Message

MARK = "#" * 10
"""Stands for the number in the strings of a request."""


def template(message: Message) -> bytes:
    """Serialise a request with MARK in some of its strings; ValueError if there is none."""
    raw = message.SerializeToString()
    if MARK.encode() not in raw:
        raise ValueError(f"{type(message).__name__} has no {MARK} that a number could take the place of")
    return raw


def numbered(templates: Sequence[bytes]) -> Iterator[bytes]:
    """Give requests without end, the templates in turn, each with the next number in place of its marks."""
    mark = MARK.encode()
    parts = [raw.split(mark) for raw in templates]
    for number, pieces in zip(count(1), cycle(parts), strict=False):
        yield (b"%010d" % number).join(pieces)


def bundled(requests: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Give messages without end whose field 1 repeats `size` of the requests."""
    while True:
        batch = [next(requests) for _ in range(size)]
        yield b"".join(b"\x0a" + varint(len(raw)) + raw for raw in batch)


def varint(number: int) -> bytes:
    """Write a number as protobuf does."""
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])
