"""What tests tell at the end of a run: sentences with what they have counted, by section.

A run on several processes tells it once: each worker gives its part to the process that began it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

TOLD: dict[str, list[str]] = {}
LOOKED_AT: Counter[str] = Counter()
"""How often each invariant was counted in SQL after a crowd."""


def tell(section: str, sentence: str) -> None:
    """Have a sentence printed at the end of the run."""
    TOLD.setdefault(section, []).append(sentence)


def counter(section: str, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Give what takes the numbers that a test has counted, to be told with the test's name."""

    def count(**numbers: object) -> None:
        name = request.node.name.removeprefix("test_").replace("_", " ")
        tell(section, f"{name}: " + ", ".join(f"{what.replace('_', ' ')} {found}" for what, found in numbers.items()))

    return count


def give() -> Mapping[str, Any]:
    """Give what this process has to tell, as plain values."""
    return {"told": TOLD, "looked_at": dict(LOOKED_AT)}


def take(given: Mapping[str, Any]) -> None:
    """Add what another process has to tell; one that died has nothing."""
    for section, sentences in given.get("told", {}).items():
        TOLD.setdefault(section, []).extend(sentences)
    LOOKED_AT.update(given.get("looked_at", {}))


def sections() -> Mapping[str, Sequence[str]]:
    """Give all that is to be printed."""
    if LOOKED_AT:
        times = max(LOOKED_AT.values())
        tell("concurrency", f"invariants in SQL: {len(LOOKED_AT)}, counted {times} times after a crowd")
    return TOLD
