"""A refusal with its details: it fits into what clients take, and is the same when it was stored in between."""

from urllib.parse import quote

import pytest

from services.chassis.errors import FieldViolation, Rejected
from services.chassis.status import rejected_of, status_of

# gRPC clients refuse more than this of trailers, by chance from the first on and always from the second.
SOFT_LIMIT = 8 * 1024
HARD_LIMIT = 16 * 1024


@pytest.mark.parametrize("letter", ["x", "\N{MANGO}"])
@pytest.mark.parametrize(("count", "length"), [(1, 10), (1, 20_000), (300, 50), (5_000, 1_000)])
def test_however_much_is_wrong_a_refusal_fits_into_the_trailers(letter: str, count: int, length: int) -> None:
    fields = tuple(FieldViolation(f"items[{at}].sku", letter * length) for at in range(count))
    status = status_of(Rejected("ITEM_UNKNOWN", {"sku": letter * length, "skus": letter * length}, fields))
    # the message travels percent-encoded, the details in base64
    trailers = len(quote(status.message, safe=" ")) + len(status.SerializeToString()) * 4 / 3
    assert trailers < (SOFT_LIMIT if letter == "x" else HARD_LIMIT)


def test_what_is_left_out_is_counted() -> None:
    rejected = Rejected("INVALID_ARGUMENT", fields=tuple(FieldViolation(f"f{at}", "x" * 100) for at in range(300)))
    *named, last = rejected.fields
    assert 0 < len(named) < 300
    assert last == FieldViolation("", f"{300 - len(named)} more fields cannot be accepted")


def test_a_stored_refusal_is_given_again_to_the_letter() -> None:
    fields = tuple(FieldViolation(f"items[{at}].sku", "must be 1 to 64 characters") for at in range(100))
    first = status_of(Rejected("INVALID_ARGUMENT", {"why": "y" * 1000}, fields))
    assert status_of(rejected_of(first)) == first
