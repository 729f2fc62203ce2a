"""Ids for idempotent producers, none of them given twice, not even over a restart."""

from pathlib import Path

_BLOCK = 1000


class ProducerIds:
    """Counts up in blocks; the end of a block is on disk before its first id is given."""

    def __init__(self, data: Path) -> None:
        """Goes on behind the block that was reserved last."""
        self._path = data / "producer-ids"
        self._next = self._reserved = int(self._path.read_text()) if self._path.exists() else 0

    def take(self) -> int:
        """The next id."""
        if self._next >= self._reserved:
            self._reserve()
        self._next += 1
        return self._next - 1

    def _reserve(self) -> None:
        self._reserved = self._next + _BLOCK
        scratch = self._path.with_suffix(".new")
        scratch.write_text(f"{self._reserved}\n")
        scratch.replace(self._path)
