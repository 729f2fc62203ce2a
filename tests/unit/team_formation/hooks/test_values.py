"""What is read of others' JSON, XML, forms and numbers: bounded, storable, and never an exception."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.team_formation.hooks import frames, json_values, proof, xml_values
from services.team_formation.hooks.identity import hashed, kind_of, known_by

NOW = datetime(2026, 11, 2, 12, 0, 0, tzinfo=UTC)
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=5),
    max_leaves=20,
)


# JSON


@given(st.dictionaries(st.text(), json_like, max_size=5))
def test_an_object_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    assert json_values.read_object(json.dumps(value).encode()) == value
    assert json_values.read_object(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) in (
        value,
        None,
    )
    assert json_values.read_object(json_values.written(value)) == value


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_not(raw: bytes) -> None:
    assert isinstance(json_values.read_object(raw), dict | None)
    assert isinstance(xml_values.read_fields(raw), dict | None)
    assert isinstance(xml_values.read_fields(b"<xml>" + raw + b"</xml>"), dict | None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"1",
        b"null",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":"\x01"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xff"}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":' + b"[" * 33 + b"]" * 33 + b"}",
        b'{"a":' * 200_000,
        b"[" * 100_000,
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_json_that_is_not_read(raw: bytes) -> None:
    assert json_values.read_object(raw) is None


def test_json_may_be_nested_32_deep() -> None:
    at_most = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"
    assert json_values.read_object(at_most)
    assert json_values.read_object(b'{"a":' + at_most + b"}") is None


@given(json_like, st.lists(st.text(max_size=3) | st.integers(-3, 9), max_size=4))
def test_walking_finds_something_or_nothing(value: object, path: list[str | int]) -> None:
    json_values.at(value, *path)
    assert isinstance(json_values.items(value, *path), list)
    assert isinstance(json_values.number(value, *path), int | None)
    found = json_values.text(value, *path, longest=5)
    assert len(found) <= 5 or found.lstrip("-").isdigit()


@given(st.text() | st.integers(min_value=-(10**50), max_value=10**50) | st.booleans() | st.none())
@example("\ud800\0a\x1b")
def test_a_text_can_be_stored(value: object) -> None:
    found = json_values.text({"a": value}, "a")
    assert "\0" not in found
    assert found.encode().decode() == found


# XML


def test_fields_are_read() -> None:
    raw = "<xml>\n<A><![CDATA[<b>&]]></A> <B>&lt;é&#128512;</B><C/><D><E>in</E></D><F> </F></xml>".encode()
    assert xml_values.read_fields(raw) == {"A": "<b>&", "B": "<é😀", "C": "", "D": "", "F": ""}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<xml>",
        b"<html></html>",
        b"<xml></xml><xml></xml>",
        b"<xml><A>1</A><A>2</A></xml>",
        b"<xml><A>&a;</A></xml>",
        b"<xml><A>\xff</A></xml>",
        b"<xml><A>\0</A></xml>",
        b"<!DOCTYPE xml><xml><A>1</A></xml>",
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><A>&a;</A></xml>',
        b'<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><A>&a;</A></xml>',
        b'<!DOCTYPE xml PUBLIC "a" "http://localhost/b.dtd"><xml><A>1</A></xml>',
        b"<xml>" + b"<a>" * 8 + b"</a>" * 8 + b"</xml>",
        b"<xml>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</xml>",
        b"<xml>" + b"".join(b"<a%d/>" % number for number in range(501)) + b"</xml>",
        "<xml><A>1</A></xml>".encode("utf-16"),
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_xml_that_is_not_read(raw: bytes) -> None:
    assert xml_values.read_fields(raw) is None


def test_a_declared_encoding_changes_nothing() -> None:
    raw = '<?xml version="1.0" encoding="gb2312"?><xml><A>拼团</A></xml>'.encode()
    assert xml_values.read_fields(raw) == {"A": "拼团"}


# Proofs


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=3))
def test_only_the_very_value_matches(given_value: str, expected: list[str]) -> None:
    assert proof.is_one_of(given_value, expected) == (given_value in expected)
    assert not proof.is_one_of(None, expected)


def test_nothing_matches_nothing() -> None:
    assert not proof.is_one_of(None, [""])
    assert not proof.is_one_of("x", [])


def test_every_expected_value_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(_given: bytes, right: bytes) -> bool:
        compared.append(right)
        return True

    monkeypatch.setattr("services.team_formation.hooks.proof.hmac.compare_digest", compare)
    assert proof.is_one_of("a", ["a", "b", "c"])
    assert compared == [b"a", b"b", b"c"]


@given(st.text(max_size=20))
@example("\uff11\uff17\uff19\uff13\uff16\uff12\uff10\uff18\uff10\uff10")
@example("1793620800\n")
@example(" 1793620800")
def test_a_time_has_ten_or_thirteen_digits(text: str) -> None:
    is_time = len(text) in {10, 13} and text.isascii() and text.isdigit() and text[0] != "0"
    assert (proof.read_seconds(text) is not None) == (is_time and len(text) == 10)
    assert (proof.read_milliseconds(text) is not None) == (is_time and len(text) == 13)


@given(st.integers(-400, 400), st.integers(0, 999_999))
def test_the_window(by: int, micros: int) -> None:
    now = NOW + timedelta(microseconds=micros)
    assert proof.is_recent(int(NOW.timestamp()) + by, now) == (-300 <= micros / 1e6 - by <= 300)


def test_a_moment_is_within_a_century() -> None:
    assert proof.moment(1_793_620_800) == NOW
    assert [proof.moment(one) for one in (None, 0, -1, 9_999_999_999, 10**30)] == [None] * 5
    assert proof.moment(946_684_800) == datetime(2000, 1, 1, tzinfo=UTC)


# Ids


@given(st.text(), st.text())
def test_an_id_can_be_stored_and_shown(one: str, other: str) -> None:
    for made in (known_by(one), hashed(one, other)):
        assert 1 <= len(made) <= 128
        assert made.isascii()
        assert made.isprintable()
        assert " " not in made
    assert (known_by(one) == known_by(other)) == (one == other)
    assert (hashed(one, other) == hashed(other, one)) == (one == other)
    assert len(kind_of(one)) <= 64


def test_parts_do_not_run_into_each_other() -> None:
    assert hashed("ab", "c") != hashed("a", "bc")


# Frames


@given(
    st.binary(max_size=200),
    st.text("abcdefghij0123456789", min_size=1, max_size=20),
    st.text("xyz", min_size=1, max_size=9),
)
def test_a_frame_opens_for_its_receiver_alone(message: bytes, receiver: str, nonce: str) -> None:
    frame = frames.seal(message, AES_KEY, receiver, nonce)
    assert frames.open_any(frame, [AES_KEY], [receiver]) == message
    assert frames.open_any(frame, [AES_KEY], [receiver + "x"]) is None
    assert frames.open_any(frame, [AES_KEY[::-1]], [receiver]) is None
    assert frames.open_any(frame, [AES_KEY[::-1], AES_KEY], ["other", receiver]) == message


@given(st.text(max_size=200) | st.text("AB+/=", max_size=200))
@example("A" * 64)
def test_any_text_is_a_frame_or_not(text: str) -> None:
    assert frames.open_any(text, [AES_KEY], ["wx"]) is None
