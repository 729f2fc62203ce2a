"""Reads PromQL as far as tests need it: which series an expression selects, and by which labels it groups."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

_TOKEN = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[a-zA-Z_:][\w:]*|\[[^\]]*\]|[=!]~|!=|\d[\w.]*|\S""")
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True, slots=True)
class Selector:
    """One series that is asked for, with its matchers: label, operator, value."""

    name: str
    matchers: tuple[tuple[str, str, str], ...] = ()


@dataclass(slots=True)
class Expression:
    """What an expression selects and groups by, and the functions that it calls."""

    selectors: list[Selector] = field(default_factory=list)
    groupings: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)


def read(text: str) -> Expression:
    """Read an expression; ValueError where it is none that is known here."""
    tokens = _TOKEN.findall(text)
    found = Expression()
    at = 0
    while at < len(tokens):
        token = tokens[at]
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        at += 1
        if not _NAME.fullmatch(token) or token in _WORDS:
            continue
        if token in _GROUPING:
            end = tokens.index(")", at) if following == "(" else at - 1
            found.groupings |= {word for word in tokens[at:end] if _NAME.fullmatch(word)}
            at = end + 1
        elif following == "(" or following in _GROUPING:
            found.functions.add(token)
        else:
            end = tokens.index("}", at) if following == "{" else at - 1
            found.selectors.append(Selector(token, tuple(_matchers(tokens[at + 1 : end]))))
            at = end + 1
    return found


def _matchers(tokens: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    rest = [token for token in tokens if token != ","]
    if len(rest) % 3:
        raise ValueError(f"no matchers: {' '.join(tokens)}")
    for label, operator, value in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        yield label, operator, value[1:-1]


def alternatives(pattern: str) -> list[str]:
    """List what a pattern of plain texts and of alternatives in parentheses matches: a(b|c) matches ab and ac."""
    parts = re.split(r"\(([^)]*)\)", pattern)
    if len(parts) == 1:
        return pattern.split("|")
    return ["".join(chosen) for chosen in product(*(part.split("|") for part in parts))]
