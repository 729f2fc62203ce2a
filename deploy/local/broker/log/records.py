"""The records inside a batch, one after the other, with the bytes each of them takes."""

import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kafka import codec as codecs
from kafka.record.util import decode_varint

from deploy.local.broker.log.batch import HEADER_SIZE, Header, parse

_LOG = logging.getLogger(__name__)
_DECODERS: dict[int, tuple[str, Callable[[], bool], Callable[[bytes], bytes]]] = {
    1: ("gzip", codecs.has_gzip, codecs.gzip_decode),
    2: ("snappy", codecs.has_snappy, codecs.snappy_decode),
    3: ("lz4", codecs.has_lz4, codecs.lz4_decode),
    4: ("zstd", codecs.has_zstd, codecs.zstd_decode),
}


class Unreadable(Exception):
    """The batch is compressed in a way that this Python cannot undo; it is stored and served all the same."""


class Record(NamedTuple):
    """One record; `raw` are its bytes as they stand in the uncompressed batch, `timestamp` is in milliseconds."""

    offset: int
    timestamp: int
    key: bytes | None
    tombstone: bool
    raw: bytes


def read_records(data: bytes) -> Iterator[Record]:
    """The records of one whole batch; raises Unreadable when its codec is not installed."""
    header = parse(data)
    body = _body(header, data)
    position = 0
    for _ in range(header.records):
        record, position = _read(header, body, position)
        yield record


def _body(header: Header, data: bytes) -> bytes:
    body = data[HEADER_SIZE : header.size]
    if not header.codec:
        return body
    name, installed, decode = _DECODERS[header.codec]
    if not installed():
        raise Unreadable(f"the Python package for {name} is not installed")
    return bytes(decode(body))


def _read(header: Header, body: bytes, start: int) -> tuple[Record, int]:
    length, position = decode_varint(body, start)
    end = position + length
    timestamp, position = decode_varint(body, position + 1)  # one byte of attributes, unused in format v2
    offset, position = decode_varint(body, position)
    size, position = decode_varint(body, position)
    key = None if size < 0 else body[position : position + size]
    size, _ = decode_varint(body, position + max(size, 0))
    record = Record(
        header.base_offset + offset, header.first_timestamp + timestamp, key, tombstone=size < 0, raw=body[start:end]
    )
    return record, end
