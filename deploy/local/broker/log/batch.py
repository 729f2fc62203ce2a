"""The header of a record batch (message format v2): reading it, checking it, and stamping the offset on it."""

import struct
from typing import NamedTuple

from crc32c import crc32c

from deploy.local.broker.errors import ErrorCode, Refused

# Offsets of the fields: https://kafka.apache.org/documentation/#recordbatch
_HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_SIZE = _HEADER.size
_PREFIX_SIZE = 12  # base offset and length; the length counts what follows it
_CRC_AT = 17
_CRC_FROM = 21
_MAGIC = 2
_CODEC_MASK = 0x07
_LOG_APPEND_TIME = 0x08
_TRANSACTIONAL = 0x10
_CONTROL = 0x20
LEADER_EPOCH = 0


class Header(NamedTuple):
    """The fields of a batch's header; times in milliseconds since 1970."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return _PREFIX_SIZE + self.length

    @property
    def last_offset(self) -> int:
        """The offset of the last record that the batch was written with."""
        return self.base_offset + self.last_offset_delta

    @property
    def codec(self) -> int:
        """0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."""
        return self.attributes & _CODEC_MASK

    @property
    def idempotent(self) -> bool:
        """Whether a producer id and a sequence were given."""
        return self.producer_id >= 0


def parse(data: bytes | bytearray | memoryview, position: int = 0) -> Header:
    """The header at `position`, which must be complete."""
    return Header._make(_HEADER.unpack_from(data, position))


def intact(data: bytes | bytearray | memoryview) -> bool:
    """Whether `data` is exactly one batch whose length and checksum agree with its bytes."""
    if len(data) < HEADER_SIZE:
        return False
    header = parse(data)
    return header.magic == _MAGIC and header.size == len(data) and header.crc == _checksum(data)


def accept(data: bytes | bytearray | memoryview, max_bytes: int) -> Header:
    """The header of one batch from a producer; raises Refused for what must not be stored."""
    if len(data) < HEADER_SIZE:
        raise Refused(ErrorCode.CORRUPT_MESSAGE, "the batch is shorter than its header")
    header = parse(data)
    if header.magic != _MAGIC:
        why = f"message format v{header.magic} is not served, only v2 (Kafka 0.11 and newer)"
        raise Refused(ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, why)
    if len(data) > max_bytes:
        raise Refused(ErrorCode.MESSAGE_TOO_LARGE, f"the batch has {len(data)} bytes, max.message.bytes is {max_bytes}")
    _check_body(header, data)
    return header


def _check_body(header: Header, data: bytes | bytearray | memoryview) -> None:
    if header.size != len(data):
        raise Refused(ErrorCode.INVALID_RECORD, "a produce request carries exactly one batch per partition")
    if header.crc != _checksum(data):
        raise Refused(ErrorCode.CORRUPT_MESSAGE, "the checksum does not match the batch")
    if header.attributes & (_TRANSACTIONAL | _CONTROL | _LOG_APPEND_TIME):
        raise Refused(ErrorCode.INVALID_RECORD, "transactional and control batches are not served")
    if header.records <= 0 or header.last_offset_delta != header.records - 1:
        raise Refused(ErrorCode.INVALID_RECORD, "the batch's number of records and its offsets disagree")


def stamp(data: bytearray, base_offset: int) -> None:
    """Write the offset and the leader's epoch into a batch; both stand outside of the checksum."""
    struct.pack_into(">q", data, 0, base_offset)
    struct.pack_into(">i", data, _PREFIX_SIZE, LEADER_EPOCH)


def build(header: Header, body: bytes, records: int) -> bytes:
    """A batch with the identity of `header` and another, uncompressed `body` of so many `records`."""
    fields = header._replace(
        length=HEADER_SIZE - _PREFIX_SIZE + len(body), attributes=header.attributes & ~_CODEC_MASK, records=records
    )
    data = bytearray(_HEADER.pack(*fields) + body)
    struct.pack_into(">I", data, _CRC_AT, _checksum(data))
    return bytes(data)


def _checksum(data: bytes | bytearray | memoryview) -> int:
    return int(crc32c(memoryview(data)[_CRC_FROM:]))
