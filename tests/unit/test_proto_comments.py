"""Comments of the protos: what they name is there, under that name."""

import re
from pathlib import Path

import grpc
import pytest

from services.chassis.reasons import reasons

PROTO = Path(__file__).resolve().parents[2] / "proto"
ELSEWHERE = {"WeChat", "ErrorInfo", *(code.name for code in grpc.StatusCode)}
"""An app, a message of google.rpc, and the codes of gRPC."""

# CamelCase with two humps, snake_case and SCREAMING_SNAKE: none of them is a word of English.
_NAME = re.compile(r"\b(?:(?:[A-Z][a-z0-9]+){2,}|[a-z0-9]+(?:_[a-z0-9]+)+|[A-Z0-9]+(?:_[A-Z0-9]+)+)\b")
_COMMENT = re.compile(r"//.*")


def missing(texts: dict[str, str]) -> list[str]:
    """List what comments name and no proto has, with its place; a value of an enum may be named by its last part."""
    code = "\n".join(_COMMENT.sub("", text) for text in texts.values())
    known = {*re.findall(r"\w+", code), *reasons(), *ELSEWHERE}
    values = {name for name in known if name.isupper()}
    known |= {name.split("_", parts)[-1] for name in values for parts in (1, 2)}
    return [
        f"{place}:{number} {name}"
        for place, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        for comment in _COMMENT.findall(line)
        for name in _NAME.findall(comment)
        if name not in known
    ]


def test_whatever_a_comment_names_is_there() -> None:
    texts = {str(path.relative_to(PROTO)): path.read_text(encoding="utf-8") for path in sorted(PROTO.rglob("*.proto"))}
    assert len(texts) > 5
    assert missing(texts) == []


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        ("ResizeTeam is asked.", ["ResizeTeam"]),
        ("Set by `made_at`, with A_STATE.", ["made_at", "A_STATE"]),
        ("JoinTeam sets seat_id, TEAM_FULL or WAS_FULL; a WeChat user sees NOT_FOUND.", []),
        ("Plain words, UTC, a Team, and/or more.", []),
    ],
)
def test_a_name_that_is_nowhere_is_noticed(comment: str, found: list[str]) -> None:
    text = f"// {comment}\nrpc JoinTeam(J) returns (R);\nstring seat_id = 1;\nSTATE_WAS_FULL = 1;\n"
    assert missing({"a.proto": text}) == [f"a.proto:1 {name}" for name in found]
