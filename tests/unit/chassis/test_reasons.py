"""The refusals: each has a code and a sentence, and every one that the code raises is among them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import grpc
import pytest
from google.rpc import error_details_pb2

from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.reasons import reasons
from services.chassis.status import status_of

SERVICES = Path(__file__).parents[3] / "services"
MAKERS = {"Rejected", "Refusal"}


def raised() -> Iterator[tuple[str, str, set[str] | None]]:
    """Every literal reason in the services: where it is, its name, and the names of its metadata where written out."""
    for path in sorted(SERVICES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in MAKERS:
                for reason in _literals(node.args[0]) if node.args else ():
                    yield f"{path.relative_to(SERVICES)}:{node.lineno}", reason, _metadata(node)


def _literals(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*_literals(node.body), *_literals(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _metadata(call: ast.Call) -> set[str] | None:
    if len(call.args) > 1 and isinstance(call.args[1], ast.Dict):
        keys = call.args[1].keys
        return {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return set() if len(call.args) == 1 and not call.keywords else None


def test_every_refusal_in_the_code_is_in_the_list() -> None:
    found = list(raised())
    assert len(found) > 20
    assert [(place, reason) for place, reason, _ in found if reason not in reasons()] == []


def test_every_refusal_brings_what_its_sentence_names() -> None:
    given: dict[tuple[str, str], set[str]] = {}
    for place, reason, names in raised():
        if names is not None:
            given.setdefault((place.split(":")[0], reason), set()).update(names)
    bare = {place: _named(reasons()[place[1]].message) - names for place, names in given.items()}
    assert {place: missing for place, missing in bare.items() if missing} == {}


def _named(message: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(message) if name}


@pytest.mark.parametrize("reason", reasons().values(), ids=lambda reason: reason.name)
def test_each_has_a_code_a_rule_and_a_sentence(reason: object) -> None:
    found = reasons()[getattr(reason, "name")]  # noqa: B009 - ids are made from the same values
    assert found.code is not grpc.StatusCode.OK
    assert found.retry in {"never", "new_id", "same_id", "after"}
    assert found.message.endswith(".")


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
