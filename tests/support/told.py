"""What tests tell at the end of a run: sentences with what they have counted, by section."""

from collections.abc import Callable

import pytest

TOLD: dict[str, list[str]] = {}


def tell(section: str, sentence: str) -> None:
    """Have a sentence printed at the end of the run."""
    TOLD.setdefault(section, []).append(sentence)


def counter(section: str, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Give what takes the numbers that a test has counted, to be told with the test's name."""

    def count(**numbers: object) -> None:
        name = request.node.name.removeprefix("test_").replace("_", " ")
        tell(section, f"{name}: " + ", ".join(f"{what.replace('_', ' ')} {found}" for what, found in numbers.items()))

    return count
