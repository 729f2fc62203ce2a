"""Refusals, from the code to the caller: what is raised is in the list, the RPCs say so, the page is true, all fits."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from services.chassis.errors import FieldViolation, Rejected
from services.chassis.reasons import reasons
from services.chassis.status import rejected_of, status_of
from tests.support import refusals
from tools.refusals import PAGE, page, read_rpcs, rpcs
from tools.rpc_reasons import Rpc, all_reasons

SERVICES = Path(__file__).resolve().parents[2] / "services"
CODE = refusals.read(SERVICES)
RPCS = rpcs()
PASSED_ON = {"LADDER_INVALID": ("pricing",)}
"""Refusals that a service passes on, with the service whose they are."""

# gRPC clients refuse more than this of trailers, by chance from the first on and always from the second.
SOFT_LIMIT = 8 * 1024
HARD_LIMIT = 16 * 1024


def test_every_refusal_can_be_read_in_the_code() -> None:
    assert not CODE.breaches, "\n" + "\n".join(CODE.breaches)
    assert {item.package for item in CODE.raised} == {"chassis", "notification", "pricing", "team_formation"}


def test_every_refusal_in_the_code_is_in_the_list() -> None:
    assert [item for item in CODE.raised if item.reason not in reasons()] == []


def test_every_refusal_in_the_list_is_in_the_code() -> None:
    """A reason that nothing raises is a promise to callers that nobody keeps."""
    assert set(reasons()) - {item.reason for item in CODE.raised} == set()


def test_every_refusal_brings_exactly_the_metadata_that_is_listed() -> None:
    differing = [(item, item.keys ^ reasons()[item.reason].metadata.keys()) for item in CODE.raised]
    wrong = [f"{item.where} {item.reason}: {', '.join(sorted(keys))}" for item, keys in differing if keys]
    assert not wrong, "\n" + "\n".join(wrong)


def test_what_the_chassis_refuses_every_call_can_be_refused_with() -> None:
    own = {item.reason for item in CODE.raised if item.package == "chassis"}
    own -= {name for rpc in RPCS if rpc.service.startswith("groupbuy.chassis.") for name in rpc.reasons}
    assert {name for name in own if not reasons()[name].every} == set()


def test_every_reason_in_the_comment_of_an_rpc_is_in_the_list() -> None:
    assert [(rpc.name, name) for rpc in RPCS for name in rpc.reasons if name not in reasons()] == []


def test_every_reason_that_a_service_raises_is_in_the_comment_of_an_rpc() -> None:
    said = {(rpc.service.split(".")[1], name) for rpc in RPCS for name in all_reasons(rpc, RPCS)}
    raised = {(item.package, item.reason) for item in CODE.raised if not reasons()[item.reason].every}
    silent = [f"{service} raises {name}" for service, name in sorted(raised - said)]
    assert not silent, "\n" + "\n".join(silent)


def test_every_reason_in_the_comment_of_an_rpc_is_one_that_its_service_gives() -> None:
    """Its own, the chassis', or another service's whose refusal it passes on."""
    raised = {(item.package, item.reason) for item in CODE.raised}
    idle = [
        f"{rpc.service} {rpc.name}: {name}"
        for rpc in RPCS
        for name in rpc.reasons
        if not {(package, name) for package in (rpc.service.split(".")[1], "chassis", *PASSED_ON.get(name, ()))}
        & raised
    ]
    assert not idle, "\n" + "\n".join(idle)


def test_the_page_is_what_the_tool_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run .venv/bin/python tools/refusals.py"


def test_the_comment_of_an_rpc_is_read_over_its_lines_and_takes_over_another_s() -> None:
    rpc, other, bare = read_rpcs(
        """
        package groupbuy.a.v1;
        // Answers. Reasons: NOT_THIS.
        service A {
          // Opens, as it says. Reasons: as Join, and B_GONE,
          // C_FULL with its metadata. Not THIS_ONE.
          rpc Open(OpenRequest) returns (OpenResponse);
          // Joins. Reasons: D.
          rpc Join(JoinRequest) returns (stream JoinResponse);
          rpc Bare(BareRequest) returns (BareResponse);
        }
        """
    )
    assert rpc == Rpc("groupbuy.a.v1.A", "Open", ("B_GONE", "C_FULL"), ("Join",))
    assert other == Rpc("groupbuy.a.v1.A", "Join", (), ())
    assert bare.reasons == ()


# What is written in a service, and what is read there: reasons with their keys, or a breach.
READ: list[tuple[str, list[tuple[str, set[str]]]]] = [
    ('raise Rejected("A")', [("A", set())]),
    ('raise errors.Rejected("A", {"x": 1, "y": 2})', [("A", {"x", "y"})]),
    ('raise Rejected(reason="A", metadata={"x": 1})', [("A", {"x"})]),
    ('raise Rejected("A", None, fields=())', [("A", set())]),
    ('raise Rejected("A" if x else "B")', [("A", set()), ("B", set())]),
    ('TABLE = {1: "A", 2: "B"}\ndef f(x):\n    return Refusal(TABLE[x])', [("A", set()), ("B", set())]),
    ('def _no(x, reason):\n    raise Rejected(reason)\n_no(1, "A")\n_no(2, reason="B")', [("A", set()), ("B", set())]),
    ('class C:\n    def no(self, why):\n        raise Rejected(why, {"x": 1})\nC().no("A")', [("A", {"x"})]),
    ('def g(r, m):\n    return Refusal(r, m)\ndef f(r):\n    return g(r, {"x": 1})\nf("A")', [("A", {"x"})]),
    ('def f(x):\n    found = {"x": x}\n    return Refusal("A", found)', [("A", {"x"})]),
    ("raise Rejected(refusal.reason, refusal.metadata)", []),
    ("raise Rejected(named(refusal.reason), refusal.metadata)", []),
]
BREACHES = [
    'raise Rejected(f"A_{x}")',
    'def f(x):\n    name = "A"\n    if x:\n        name = "B"\n    raise Rejected(name)',
    'raise Rejected("A" if x else y)',
    "TABLE = {1: a}\nraise Rejected(TABLE[1])",
    'raise Rejected("A", metadata)',
    'raise Rejected("A", {**more, "x": 1})',
    'raise Rejected("A", {name: 1})',
    "class C:\n    def __init__(self, reason):\n        raise Rejected(reason)",
]


@pytest.mark.parametrize(("text", "found"), READ, ids=[text for text, _ in READ])
def test_a_refusal_is_read_however_it_is_written(tmp_path: Path, text: str, found: list[tuple[str, set[str]]]) -> None:
    (tmp_path / "rpc.py").write_text(text)
    code = refusals.read(tmp_path)
    assert code.breaches == []
    assert sorted((item.reason, set(item.keys)) for item in code.raised) == found


@pytest.mark.parametrize("text", BREACHES)
def test_a_refusal_that_cannot_be_read_is_noticed(tmp_path: Path, text: str) -> None:
    (tmp_path / "rpc.py").write_text(text)
    assert len(refusals.read(tmp_path).breaches) == 1


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
