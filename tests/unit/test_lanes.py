"""How tests are dealt out to processes."""

from tests.support import lanes


def test_what_shares_a_server_stays_together() -> None:
    assert lanes.group_of("tests/e2e/test_demo.py::test_a") == lanes.group_of("tests/fault/test_kills.py::test_b[c]")
    assert lanes.group_of("tests/contract/test_groups.py::test_a") == lanes.group_of(
        "tests/contract/chassis/test_b.py::t"
    )


def test_other_tests_stay_with_their_file() -> None:
    assert lanes.group_of("tests/unit/test_a.py::test_b[x::y]") == "tests/unit/test_a.py"
