"""Sealed values: they open with their key, at their place, unchanged, and else not."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.sealing import NotOpened, Sealer, sealed_with

OLD = "old:" + base64.b64encode(bytes(32)).decode()
NEW = "new:" + base64.b64encode(bytes(range(32))).decode()


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_is_sealed_opens_at_its_place_and_is_never_sealed_the_same_way_twice(value: bytes, place: str) -> None:
    sealer = Sealer.read(NEW)
    sealed = sealer.seal(value, place)
    assert sealer.open(sealed, place) == value
    assert sealer.seal(value, place) != sealed
    with pytest.raises(NotOpened, match="was not sealed for"):
        sealer.open(sealed, place + "x")


@given(st.data())
def test_what_was_changed_does_not_open(data: st.DataObject) -> None:
    sealer = Sealer.read(NEW)
    sealed = bytearray(sealer.seal(b"+49 170 0000000", "p"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(NotOpened):
        sealer.open(bytes(sealed), "p")
    with pytest.raises(NotOpened):
        sealer.open(bytes(sealed[:at]), "p")


def test_a_key_rotates_while_old_values_still_open() -> None:
    sealed = Sealer.read(OLD).seal(b"mei", "p")
    both = Sealer.read(f"{NEW},{OLD}")
    assert (both.open(sealed, "p"), sealed_with(sealed)) == (b"mei", "old")
    assert sealed_with(both.seal(b"mei", "p")) == both.key_id == "new"
    with pytest.raises(NotOpened, match="no key 'old'"):
        Sealer.read(NEW).open(sealed, "p")
