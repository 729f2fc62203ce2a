"""Messages put together from parts that are serialised already.

A message may be written in pieces, one after the other: fields may come in any order, and a submessage is its tag, its
length and its bytes. Source: https://protobuf.dev/programming-guides/encoding/.
"""

from google.protobuf.timestamp_pb2 import Timestamp

_SEVEN_BITS = 0x7F
_MORE = 0x80
_LENGTH_DELIMITED = 2
_HEADS: dict[int, list[bytes]] = {}
_NUMBERS: dict[int, list[bytes]] = {}
_SHORT = 1024


def field(number: int, content: bytes) -> bytes:
    """Write a submessage (or a text) as a field of the message around it."""
    length = len(content)
    if length < _SHORT:
        return (_HEADS.get(number) or _heads(number))[length] + content
    return _head(number, length) + content


def text(number: int, content: str) -> bytes:
    """Write a text as a field; an empty one is left out, as protobuf does."""
    return field(number, content.encode()) if content else b""


def whole(number: int, value: int) -> bytes:
    """Write a number that is not negative (or an enum's, or a flag) as a field; 0 is left out, as protobuf does."""
    if 0 <= value < _SHORT:
        return (_NUMBERS.get(number) or _numbers(number))[value]
    return _varint(number << 3) + _varint(value)


def moment(number: int, at: Timestamp | None) -> bytes:
    """Write a time as a field; None is left out."""
    return b"" if at is None else field(number, at.SerializeToString())


def _numbers(number: int) -> list[bytes]:
    tag = _varint(number << 3)
    written = _NUMBERS[number] = [b"", *(tag + _varint(value) for value in range(1, _SHORT))]
    return written


def _heads(number: int) -> list[bytes]:
    heads = _HEADS[number] = [_head(number, length) for length in range(_SHORT)]
    return heads


def _head(number: int, length: int) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(length)


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > _SEVEN_BITS:
        written.append(value & _SEVEN_BITS | _MORE)
        value >>= 7
    written.append(value)
    return bytes(written)
