"""Signatures: a published vector, what is told apart, rotation, and keys that are written wrongly."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.signing import KeyRing, Signature, verified

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""RFC 8032, section 7.1, test 1."""
PURPOSE = "groupbuy.test.v1"


def written(key_id: str, seed: bytes) -> str:
    return f"{key_id}:{b64encode(seed).decode()}"


NEW = written("new", bytes(range(32)))
OLD = written("old", SEED)


def test_the_public_key_is_that_of_the_standard() -> None:
    assert KeyRing.read(OLD).public_keys() == (("old", PUBLIC),)


def test_the_bytes_signed_are_purpose_zero_payload() -> None:
    """Whoever checks in another language puts these together, with any Ed25519 there is."""
    signed = KeyRing.read(OLD).sign(PURPOSE, b"payload")
    assert len(signed.signature) == 64
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(signed.signature, b"groupbuy.test.v1\0payload")


def test_the_first_key_signs_and_all_are_published() -> None:
    before, both, after = KeyRing.read(OLD), KeyRing.read(f"{NEW}, {OLD}"), KeyRing.read(NEW)
    assert [ring.sign(PURPOSE, b"x").key_id for ring in (before, both, after)] == ["old", "new", "new"]
    assert [key_id for key_id, _ in both.public_keys()] == ["new", "old"]


def test_what_the_old_key_signed_holds_while_it_is_published() -> None:
    signed = KeyRing.read(OLD).sign(PURPOSE, b"x")
    keys = dict(KeyRing.read(f"{NEW},{OLD}").public_keys())
    assert verified(keys[signed.key_id], PURPOSE, b"x", signed.signature)
    assert signed.key_id not in dict(KeyRing.read(NEW).public_keys())


def signature(payload: bytes = b"payload") -> Signature:
    return KeyRing.read(OLD).sign(PURPOSE, payload)


def test_another_purpose_or_key_is_no_signature() -> None:
    made = signature().signature
    assert not verified(PUBLIC, "groupbuy.other.v1", b"payload", made)
    assert not verified(dict(KeyRing.read(NEW).public_keys())["new"], PURPOSE, b"payload", made)


@given(st.binary(max_size=80), st.integers(min_value=0), st.integers(0, 7))
def test_one_bit_of_payload_or_signature_decides(payload: bytes, place: int, bit: int) -> None:
    made = signature(payload).signature
    assert verified(PUBLIC, PURPOSE, payload, made)
    assert not verified(PUBLIC, PURPOSE, payload, flipped(made, place, bit))
    if payload:
        assert not verified(PUBLIC, PURPOSE, flipped(payload, place, bit), made)


def flipped(raw: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[place % len(raw)] ^= 1 << bit
    return bytes(changed)


@given(st.binary(max_size=40), st.binary(max_size=80))
def test_bytes_of_any_kind_are_refused_quietly(key: bytes, made: bytes) -> None:
    assert not verified(key, PURPOSE, b"payload", made)
    assert not verified(PUBLIC, PURPOSE, b"payload", made)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "key 1 must begin with its id"),
        (b64encode(SEED).decode(), "key 1 must begin with its id"),
        ("two words:" + b64encode(SEED).decode(), "key 1 must begin with its id"),
        (OLD + ",", "key 2 must begin with its id"),
        (f"{OLD},{written('old', bytes(32))}", "key 2 has an id that another one has"),
        ("old", "key 1 must have 32 random bytes in base64"),
        (written("old", SEED[1:]), "key 1 must have 32 random bytes in base64"),
        ("old:" + "!" * 44, "key 1 must have 32 random bytes in base64"),
        (f"{NEW},old:ä", "key 2 must have 32 random bytes in base64"),
    ],
)
def test_a_key_written_wrongly_is_named_and_its_seed_is_not(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as error:
        KeyRing.read(text)
    seeds = [item.partition(":")[2] for item in text.split(",")]
    assert not any(seed and seed in str(error.value) for seed in seeds)
