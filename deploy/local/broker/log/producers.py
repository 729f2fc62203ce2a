"""What idempotent producers sent last to one partition: a repeat is recognised, a gap is refused."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.log.batch import Header

_MAX_SEQUENCE = 0x7FFFFFFF
_KEPT_BATCHES = 5  # a producer has at most this many unanswered requests on a connection
_KEPT_PRODUCERS = 1000


@dataclass(slots=True)
class _Producer:
    epoch: int
    last_sequence: int = -1
    # (first sequence, number of records, base offset) of the last batches
    batches: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=_KEPT_BATCHES))


class Producers:
    """The last sequences by producer id; the ids unused for longest are forgotten beyond a thousand."""

    def __init__(self) -> None:
        """Nobody has sent anything."""
        self._known: OrderedDict[int, _Producer] = OrderedDict()

    def stored_before(self, header: Header) -> int | None:
        """The offset that this very batch got earlier, or None for a new one.

        Raises Refused where the sequence has a gap or the epoch is over. A producer that is not known here may start
        anywhere: its earlier batches may have gone with retention.
        """
        known = self._known.get(header.producer_id) if header.idempotent else None
        if known is None:
            return None
        if header.producer_epoch < known.epoch:
            raise Refused(ErrorCode.INVALID_PRODUCER_EPOCH, f"epoch {header.producer_epoch}, now {known.epoch}")
        for first, count, offset in known.batches if header.producer_epoch == known.epoch else ():
            if (first, count) == (header.base_sequence, header.last_offset_delta + 1):
                return offset
        _expect(header, _next(known) if header.producer_epoch == known.epoch else 0)
        return None

    def note(self, header: Header) -> None:
        """Remember a batch that was stored, or found in a segment at start."""
        if not header.idempotent:
            return
        known = self._known.get(header.producer_id)
        if known is None or known.epoch != header.producer_epoch:
            known = self._known[header.producer_id] = _Producer(header.producer_epoch)
        # The deltas, not the count: compaction takes records out and leaves the numbering.
        known.last_sequence = (header.base_sequence + header.last_offset_delta) & _MAX_SEQUENCE
        known.batches.append((header.base_sequence, header.last_offset_delta + 1, header.base_offset))
        self._known.move_to_end(header.producer_id)
        if len(self._known) > _KEPT_PRODUCERS:
            self._known.popitem(last=False)


def _next(known: _Producer) -> int:
    return (known.last_sequence + 1) & _MAX_SEQUENCE


def _expect(header: Header, sequence: int) -> None:
    if header.base_sequence != sequence:
        why = f"producer {header.producer_id} sent sequence {header.base_sequence}, {sequence} was next"
        raise Refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, why)
