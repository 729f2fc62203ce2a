"""PostgreSQL's syntax tree of a statement, and what of it the rule of isolation asks for."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pgparse

Node: TypeAlias = Mapping[str, Any]

_MARK = re.compile(r"%%|%\((\w+)\)[sbt]|%[sbt]")


def parse(statement: str) -> list[tuple[str, Node]]:
    """Parse a statement as psycopg takes it: the kind and the node of each statement in it."""
    names: dict[str, int] = {}
    count = 0

    def parameter(found: re.Match[str]) -> str:
        nonlocal count
        if found.group() == "%%":
            return "%"
        if found.group(1) is None:
            count += 1
            return f"${count}"
        return f"${names.setdefault(found.group(1), len(names) + 1)}"

    return [only(item["stmt"]) for item in pgparse.parse(_MARK.sub(parameter, statement))]


def only(node: Node) -> tuple[str, Node]:
    """Give the kind of a node and what it holds."""
    [(kind, inner)] = node.items()
    return kind, inner


def conjuncts(node: Node | None) -> Iterator[Node]:
    """Give the conditions that hold together."""
    if not node:
        return
    kind, inner = only(node)
    if kind == "BoolExpr" and inner["boolop"] == "AND_EXPR":
        for item in inner["args"]:
            yield from conjuncts(item)
    else:
        yield node


def equal_pairs(condition: Node) -> Iterator[tuple[Node, Node]]:
    """Give the pairs of expressions that a condition makes equal; `= ANY` and IN make one equal to one of many."""
    kind, inner = only(condition)
    if kind == "SubLink" and inner["subLinkType"] == "ANY_SUBLINK" and "testexpr" in inner:
        yield from ((item, condition) for item in _parts(inner["testexpr"]))
    if kind != "A_Expr" or operator(inner) != "=":
        return
    left, right = inner["lexpr"], inner["rexpr"]
    if inner["kind"] == "AEXPR_OP":
        rows = _parts(left), _parts(right)
        yield from zip(*rows, strict=True) if len(rows[0]) == len(rows[1]) else ((item, right) for item in rows[0])
    elif inner["kind"] in {"AEXPR_OP_ANY", "AEXPR_IN"}:
        yield left, right


def operator(expression: Node) -> str:
    """Give the sign of an operator."""
    return str(expression["name"][-1]["String"]["sval"])


def _parts(expression: Node) -> list[Node]:
    kind, inner = only(expression)
    return list(inner["args"]) if kind == "RowExpr" else [expression]


def path(column: Node) -> list[str]:
    """Give a column's name, with that of its source before it if it is said; `*` where all are meant."""
    return [item["String"]["sval"] if "String" in item else "*" for item in column["fields"]]


def strings(nodes: Sequence[Node]) -> list[str]:
    """Give the texts of a list of names."""
    return [item["String"]["sval"] for item in nodes]


def inner_queries(node: Any) -> Iterator[Node]:
    """Give the queries that stand as expressions in a part of a statement, not those within them."""
    if isinstance(node, Mapping):
        if "SubLink" in node:
            yield node["SubLink"]
            node = node["SubLink"].get("testexpr", {})
        for item in node.values():
            yield from inner_queries(item)
    elif isinstance(node, list):
        for item in node:
            yield from inner_queries(item)
