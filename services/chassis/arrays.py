"""PostgreSQL arrays in binary, for parameters of `unnest(%s, ...)` and `= ANY(%s)`.

psycopg turns a list into an array element by element, in Python; here whole columns are joined at once. The array's
type travels with it: a statement needs no cast, and is prepared once for arrays with elements, with nulls and without.
Source: array_recv, https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/arrayfuncs.c.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_HEADER = struct.Struct("!iiIii")
_EMPTY = struct.Struct("!iiI")
_LENGTH = struct.Struct("!i")
_SHORT = 4096
_LENGTHS = [_LENGTH.pack(length) for length in range(_SHORT)]
_NULL = _LENGTH.pack(-1)
_FEW = 64


class Array(bytes):
    """An array as it travels. Each type of element has a class of its own, by which psycopg knows the type."""

    __slots__ = ()
    element = 0
    """The element type's number in PostgreSQL."""


class _ArrayDumper(Dumper):
    """Hands an array over as it is."""

    format = Format.BINARY

    def dump(self, obj: Array) -> Array:
        return obj


def _kind(name: str) -> type[Array]:
    """Make the class of arrays of a type, and have psycopg send them."""
    info = psycopg.adapters.types[name]
    kind = type(f"Array_{name}", (Array,), {"__slots__": (), "element": info.oid})
    dumper = type(f"ArrayDumper_{name}", (_ArrayDumper,), {"oid": info.array_oid})
    psycopg.adapters.register_dumper(kind, dumper)
    return kind


_UUID = _kind("uuid")
_TEXT = _kind("text")
_BYTEA = _kind("bytea")
_BIGINT = _kind("int8")
_SMALLINT = _kind("int2")
_BOOLEAN = _kind("bool")
_TIME = _kind("timestamptz")
_JSONB = _kind("jsonb")
_JSONB_VERSION = b"\1"


def uuids(values: Iterable[UUID | None]) -> Array:
    """Make a uuid[]."""
    kept = list(values)
    if all(kept):
        raws = [value.int.to_bytes(16, "big") for value in kept if value]
        return _UUID(_header(_UUID, len(kept)) + _LENGTHS[16].join([b"", *raws]))
    return _of_bytes(_UUID, [None if value is None else value.bytes for value in kept])


def texts(values: Iterable[str | None]) -> Array:
    """Make a text[], in UTF-8 as our connections speak it."""
    return _of_bytes(_TEXT, [None if value is None else value.encode() for value in values])


def byteas(values: Iterable[bytes | None]) -> Array:
    """Make a bytea[]."""
    return _of_bytes(_BYTEA, list(values))


def bigints(values: Iterable[int | None]) -> Array:
    """Make a bigint[]; struct.error for a number that does not fit."""
    return _of_numbers(_BIGINT, "q", list(values))


def smallints(values: Iterable[int | None]) -> Array:
    """Make a smallint[]; struct.error for a number that does not fit."""
    return _of_numbers(_SMALLINT, "h", list(values))


def booleans(values: Iterable[bool | None]) -> Array:
    """Make a boolean[]."""
    return _of_numbers(_BOOLEAN, "?", list(values))


def times(values: Iterable[datetime | None]) -> Array:
    """Make a timestamptz[]; TypeError for a time without a zone."""
    kept = list(values)
    distinct = {id(value): value for value in kept}  # a batch has few moments, and subtracting costs most
    known = {key: None if value is None else _microseconds(value) for key, value in distinct.items()}
    return _of_numbers(_TIME, "q", [known[id(value)] for value in kept])


def jsonbs(values: Iterable[str | None]) -> Array:
    """Make a jsonb[] of JSON texts."""
    return _of_bytes(_JSONB, [None if value is None else _JSONB_VERSION + value.encode() for value in values])


Kind: TypeAlias = Callable[[Iterable[Any]], Array]
"""Makes the array of a column: uuids, texts and the others."""


def packed(kinds: Sequence[Kind], rows: Iterable[tuple[object, ...]]) -> list[Array]:
    """Turn rows of one shape, at least one, into an array per column; ValueError where a row has other columns."""
    return [kind(column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]


def _microseconds(value: datetime) -> int:
    since = value - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _of_bytes(kind: type[Array], raws: Sequence[bytes | None]) -> Array:
    fields = [b""] * (2 * len(raws))
    fields[::2] = [
        _NULL if raw is None else _LENGTHS[size] if (size := len(raw)) < _SHORT else _LENGTH.pack(size) for raw in raws
    ]
    fields[1::2] = [raw or b"" for raw in raws]
    return kind(_header(kind, len(raws)) + b"".join(fields))


def _of_numbers(kind: type[Array], code: str, values: Sequence[int | None]) -> Array:
    if None in values:
        return _of_bytes(kind, [None if value is None else struct.pack(f"!{code}", value) for value in values])
    count, size = len(values), struct.calcsize(f"!{code}")
    if count <= _FEW:
        pairs: list[int] = [size] * (2 * count)
        pairs[1::2] = values  # type: ignore[assignment]  # there is no None among them
        return kind(_header(kind, count) + _few(code, count).pack(*pairs))
    packed = struct.pack(f"!{count}{code}", *values)
    stride = _LENGTH.size + size
    fields = bytearray(count * stride)
    fields[_LENGTH.size - 1 :: stride] = bytes([size]) * count
    for byte in range(size):  # the numbers' first bytes, then their second ones: few copies, however many numbers
        fields[_LENGTH.size + byte :: stride] = packed[byte::size]
    return kind(_header(kind, count) + fields)


@cache
def _few(code: str, count: int) -> struct.Struct:
    """Find how some numbers are written, each with its size before it."""
    return struct.Struct("!" + f"i{code}" * count)


def _header(kind: type[Array], count: int) -> bytes:
    """Make the header of an array of one dimension; whether it has nulls is looked up by PostgreSQL itself."""
    return _HEADER.pack(1, 0, kind.element, count, 1) if count else _EMPTY.pack(0, 0, kind.element)
