"""What was made last of each thing, kept while its version is the one that is asked for."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Latest(Generic[Key, Made]):
    """Keeps one version of each key; of more keys than `most`, those whose version has stood longest go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Key, tuple[str, Made]] = {}

    def of(self, key: Key, version: str, make: Callable[[], Made]) -> Made:
        """Give what a version is made into, and make it where it is not kept."""
        kept = self._kept.get(key)
        if kept and kept[0] == version:
            return kept[1]
        made = make()
        self._kept.pop(key, None)
        if len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = version, made
        return made
