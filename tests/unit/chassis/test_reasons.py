"""The file of refusals: each entry is complete, its sentences hold what they need, and a status carries all of it."""

import re
import tomllib
import unicodedata
from importlib.resources import files

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from groupbuy.reasons import BY_NAME
from grpc_status import rpc_status

from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.reasons import Reason, UnknownReasonError, named, placeholders, read_reasons, reasons
from services.chassis.status import rejected_by, status_of
from tools.refusals import AUDIENCES, KINDS_OF_CALLS, LANGUAGES, PROTO, RETRIES

TEXT = (PROTO / "reasons.toml").read_text(encoding="utf-8")
ENTRIES = tomllib.loads(TEXT)
REASONS = list(read_reasons(TEXT).values())
FOR_BUYERS = [reason for reason in REASONS if reason.audience == "buyer"]
NEEDED = {"code", "retry", "for", "message"}
KNOWN = {*NEEDED, "every", "metadata", "buyer"}
# What a rule decided is stored and given again to the same request id; these never are.
NEVER_STORED = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL"}
COUNTS = {"maximum", "position"}
"""What a buyer's sentence may contain: small numbers, which every language writes alike."""
JARGON = re.compile(
    r"\b(ids?|sku|cap|hold|seat|request|code|metadata|platform|campaign|token|error|unit price)\b", re.IGNORECASE
)
ENDS = ("FULL STOP", "QUESTION MARK", "EXCLAMATION MARK")
LONGEST_FOR_BUYERS = 140

each_reason = pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.name)
each_for_buyers = pytest.mark.parametrize("reason", FOR_BUYERS, ids=lambda reason: reason.name)


def test_the_generated_package_is_made_from_this_file() -> None:
    assert (files("groupbuy") / "reasons.toml").read_text(encoding="utf-8") == TEXT, "run `make proto`"
    assert list(BY_NAME) == list(ENTRIES)


@each_reason
def test_an_entry_has_what_every_one_has(reason: Reason) -> None:
    assert KNOWN >= ENTRIES[reason.name].keys() >= NEEDED
    assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", reason.name)
    assert reason.code is not grpc.StatusCode.OK
    assert reason.retry in RETRIES
    assert reason.audience in AUDIENCES
    assert reason.every in {"", *KINDS_OF_CALLS}
    assert reason.message.endswith(".")


@each_reason
def test_the_same_request_id_is_for_what_is_not_stored(reason: Reason) -> None:
    assert (reason.retry == "same_id") == (reason.code.name in NEVER_STORED)


@each_reason
def test_a_message_names_keys_of_its_metadata_and_each_key_has_a_meaning(reason: Reason) -> None:
    assert placeholders(reason.message) <= reason.metadata.keys()
    assert "retry" not in reason.metadata, "the status adds it"
    for key, meaning in reason.metadata.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", key)
        assert meaning
        assert not meaning.endswith("."), "a meaning stands in a table, without a full stop"


@each_reason
def test_a_sentence_for_buyers_is_there_where_a_buyer_may_meet_it_and_nowhere_else(reason: Reason) -> None:
    assert set(reason.buyer) == (set(LANGUAGES) if reason.audience == "buyer" else set())


@each_for_buyers
def test_a_buyer_reads_one_short_plain_sentence(reason: Reason) -> None:
    for language, text in reason.buyer.items():
        end = "。" if language == "zh-Hans" else "."
        assert [letter for letter in text if unicodedata.name(letter).endswith(ENDS)] == [end], text
        assert text.endswith(end)
        assert len(text) <= LONGEST_FOR_BUYERS
    assert not JARGON.search(reason.buyer["en"])


@each_for_buyers
def test_every_language_names_the_same_counts(reason: Reason) -> None:
    named_in = {language: placeholders(text) for language, text in reason.buyer.items()}
    assert all(names == named_in["en"] for names in named_in.values()), named_in
    assert named_in["en"] <= COUNTS & reason.metadata.keys()


@each_for_buyers
def test_every_language_is_written_in_its_own_letters(reason: Reason) -> None:
    scripts = {"en": "LATIN", "es": "LATIN", "zh-Hans": "CJK", "ar": "ARABIC"}
    for language, text in reason.buyer.items():
        letters = re.sub(r"\{\w+\}", "", text)
        found = {unicodedata.name(letter).split()[0] for letter in letters if unicodedata.category(letter) == "Lo"}
        found |= {"LATIN" for letter in letters if unicodedata.category(letter) in {"Ll", "Lu"}}
        assert found == {scripts[language]}, text


def test_a_buyer_is_told_in_the_own_language_else_in_english() -> None:
    reason = reasons()["QUANTITY_OUT_OF_RANGE"]
    metadata = {"maximum": "3", "quantity": "9"}
    assert reason.buyer_sentence("es", metadata) == "Elige una cantidad entre 1 y 3."
    assert reason.buyer_sentence("xx", metadata) == "Please choose a quantity from 1 to 3."


def test_a_buyer_is_told_nothing_rather_than_half_a_sentence_or_what_is_not_for_buyers() -> None:
    assert reasons()["QUANTITY_OUT_OF_RANGE"].buyer_sentence("en", {}) is None
    assert reasons()["KEY_MISSING"].buyer_sentence("en", {}) is None


def test_a_reason_that_is_not_there_cannot_be_raised() -> None:
    with pytest.raises(UnknownReasonError, match=r"TEAM_FUL.*reasons\.toml.*make proto.*Did you mean TEAM_FULL\?"):
        Rejected("TEAM_FUL")  # type: ignore[arg-type]  # mypy notices it as well
    with pytest.raises(UnknownReasonError, match="no reason"):
        named("")


async def test_a_refusal_that_only_a_newer_release_knows_stays_the_error_it_was() -> None:
    info = error_details_pb2.ErrorInfo(reason="OF_TOMORROW", domain="groupbuy")
    status = status_pb2.Status(code=code_pb2.NOT_FOUND, message="no")
    status.details.add().Pack(info)
    trailers = grpc.aio.Metadata(*rpc_status.to_status(status).trailing_metadata)

    async def call() -> None:
        raise grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), trailers, "no")

    with pytest.raises(grpc.aio.AioRpcError):
        await rejected_by(call())


def test_a_status_carries_reason_metadata_and_fields() -> None:
    refusal = Rejected("TEAM_FULL", {"unpaid": 1, "maximum": 5}, (FieldViolation("a", "b"),))
    status = status_of(refusal)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    status.details[0].Unpack(info)
    status.details[1].Unpack(bad)
    assert status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    assert (info.reason, info.domain) == ("TEAM_FULL", "groupbuy")
    assert dict(info.metadata) == {"unpaid": "1", "maximum": "5", "retry": "after"}
    assert [(item.field, item.description) for item in bad.field_violations] == [("a", "b")]


def test_a_sentence_without_its_metadata_is_still_a_sentence() -> None:
    assert "(unpaid)" in status_of(Rejected("TEAM_FULL")).message


def test_an_invalid_field_is_named_with_its_remedy() -> None:
    assert "quantity: must be 1 or more" in status_of(invalid("quantity", "must be 1 or more")).message
