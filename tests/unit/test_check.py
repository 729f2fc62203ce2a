"""The invariants' files: each has its sentence and names a database that exists."""

import pytest

from deploy.check.invariants import Invariant, invariants, parse
from deploy.check.runner import SERVICES


def test_every_invariant_of_the_design_has_a_file() -> None:
    assert {item.name[0] for item in invariants()} == set("12345678")


@pytest.mark.parametrize("item", invariants(), ids=lambda item: item.name)
def test_an_invariant_has_a_sentence_and_known_databases(item: Invariant) -> None:
    assert item.sentence.endswith(".")
    assert {database for database, _ in item.sections} <= set(SERVICES)


def test_a_file_without_a_sentence_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a sentence"):
        parse("x", "-- database: pricing\nSELECT 1")
