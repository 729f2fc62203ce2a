"""Messages put together from parts that are serialised already.

A message may be written in pieces, one after the other: fields may come in any order, and a submessage is its tag, its
length and its bytes. Source: https://protobuf.dev/programming-guides/encoding/.
"""

_SEVEN_BITS = 0x7F
_MORE = 0x80
_LENGTH_DELIMITED = 2
_HEADS: dict[int, list[bytes]] = {}
_SHORT = 1024


def field(number: int, content: bytes) -> bytes:
    """Write a submessage (or a text) as a field of the message around it."""
    length = len(content)
    if length < _SHORT:
        return (_HEADS.get(number) or _heads(number))[length] + content
    return _head(number, length) + content


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
