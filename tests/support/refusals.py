"""Reads in the services' code which refusals it raises, with which metadata, without running it.

A reason may be written out where it is raised or just before, chosen by a condition or from a table of the same module,
or handed to a function that raises it. What already is a refusal may be raised again by its `.reason`. Anything else is
a breach: it cannot be compared with proto/reasons.toml before it happens.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Keys: TypeAlias = "frozenset[str] | None"


@dataclass(frozen=True)
class Raised:
    """One refusal in the code."""

    where: str
    """File and line, from the folder that was read."""
    reason: str
    keys: frozenset[str]
    """The keys of its metadata."""

    @property
    def package(self) -> str:
        """The service, or the chassis."""
        return self.where.partition("/")[0]


@dataclass(frozen=True)
class Maker:
    """What makes a refusal from a reason: a class, or a function that hands its parameters on."""

    name: str
    reason: int
    """The position of the reason among the arguments, without self."""
    metadata: int | None = None
    """The position of the metadata; None where the maker fixes them."""
    keys: frozenset[str] = frozenset()
    """The keys where the maker fixes them."""
    file: str = ""
    """The only file that it is called in; empty means any."""
    words: tuple[str, str] = ("reason", "metadata")
    """The names of both parameters."""


CLASSES = (Maker("Rejected", 0, 1), Maker("Refusal", 0, 1))


@dataclass
class Code:
    """What was found in a folder."""

    raised: list[Raised]
    breaches: list[str]


@dataclass(frozen=True)
class _Call:
    file: str
    node: ast.Call
    function: Function | None
    tables: dict[str, ast.expr]


def read(folder: Path) -> Code:
    """Read every refusal in a folder of packages."""
    calls = [call for path in sorted(folder.rglob("*.py")) for call in _calls(path, folder)]
    makers = _makers(calls)
    code = Code([], [])
    for call in calls:
        maker = _maker_of(call, makers)
        if maker is not None:
            _read_call(call, maker, code)
    return code


def _read_call(call: _Call, maker: Maker, code: Code) -> None:
    where = f"{call.file}:{call.node.lineno}"
    reason, metadata = _arguments(call.node, maker)
    if reason is None or _is_handed_on(reason, call.function):
        return
    names = _texts(_written(reason, call.function), call.tables)
    keys = maker.keys if maker.metadata is None else _keys(_written(metadata, call.function))
    if not names:
        remedy = "write the reason out here, take it from a table of this module, or hand it to a function"
        code.breaches.append(f"{where} {remedy}")
    elif keys is None:
        code.breaches.append(f"{where} write the metadata of {names[0]} out here")
    else:
        code.raised += [Raised(where, name, keys) for name in names]


def _calls(path: Path, folder: Path) -> Iterator[_Call]:
    """Yield the calls of a file, each with the innermost function around it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tables = dict(_assigned(tree.body))
    waiting: list[tuple[ast.AST, Function | None]] = [(tree, None)]
    while waiting:
        node, function = waiting.pop()
        if isinstance(node, ast.Call):
            yield _Call(path.relative_to(folder).as_posix(), node, function, tables)
        inner = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        waiting += [(child, inner) for child in ast.iter_child_nodes(node)]


def _assigned(body: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement.value
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            yield statement.target.id, statement.value


def _makers(calls: list[_Call]) -> list[Maker]:
    """Add to the classes every function that hands its own parameter on as a reason, also over several steps."""
    makers = list(CLASSES)
    for call in calls * 2:
        maker, function = _maker_of(call, makers), call.function
        if maker is None or function is None:
            continue
        reason, metadata = _arguments(call.node, maker)
        parameters = _parameters(function)
        if isinstance(reason, ast.Name) and reason.id in parameters and not _known(function, call, makers):
            makers.append(_handing_on(function, call, reason, metadata, maker))
    return makers


def _handing_on(function: Function, call: _Call, reason: ast.Name, metadata: ast.expr | None, maker: Maker) -> Maker:
    parameters = _parameters(function)
    file = call.file if function.name.startswith("_") else ""
    given = metadata.id if isinstance(metadata, ast.Name) and metadata.id in parameters else ""
    at = parameters.index(given) if given else None
    keys = maker.keys if maker.metadata is None else _keys(metadata) or frozenset()
    return Maker(function.name, parameters.index(reason.id), at, keys, file, (reason.id, given))


def _known(function: Function, call: _Call, makers: list[Maker]) -> bool:
    return any(maker.name == function.name and maker.file in {"", call.file} for maker in makers)


def _maker_of(call: _Call, makers: list[Maker]) -> Maker | None:
    name = getattr(call.node.func, "id", None) or getattr(call.node.func, "attr", None)
    return next((maker for maker in makers if maker.name == name and maker.file in {"", call.file}), None)


def _parameters(function: Function) -> list[str]:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _arguments(node: ast.Call, maker: Maker) -> tuple[ast.expr | None, ast.expr | None]:
    named = {keyword.arg: keyword.value for keyword in node.keywords}

    def argument(at: int | None, word: str) -> ast.expr | None:
        if at is None:
            return None
        return node.args[at] if at < len(node.args) else named.get(word)

    return argument(maker.reason, maker.words[0]), argument(maker.metadata, maker.words[1])


def _is_handed_on(reason: ast.expr, function: Function | None) -> bool:
    """Tell whether a reason is read elsewhere: a parameter at the callers, `.reason` where the refusal was made."""
    if isinstance(reason, ast.Call) and getattr(reason.func, "id", "") == "named" and reason.args:
        reason = reason.args[0]
    if isinstance(reason, ast.Attribute):
        return reason.attr == "reason"
    if not isinstance(reason, ast.Name) or function is None or function.name.startswith("__"):
        return False  # nobody calls __init__ by its name
    return reason.id in _parameters(function)


def _written(node: ast.expr | None, function: Function | None) -> ast.expr | None:
    """Return what a local name stands for, where the function gives it one value only; anything else as it is."""
    if not isinstance(node, ast.Name) or function is None:
        return node
    values = [value for statement in ast.walk(function) for name, value in _assigned([statement]) if name == node.id]
    return values[0] if len(values) == 1 else node


def _texts(node: ast.expr | None, tables: dict[str, ast.expr]) -> list[str]:
    """Return the reasons that an expression can be; empty where one of them cannot be read."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        both = [_texts(node.body, tables), _texts(node.orelse, tables)]
        return [*both[0], *both[1]] if all(both) else []
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        table = tables.get(node.value.id)
        found = [_texts(value, {}) for value in table.values] if isinstance(table, ast.Dict) else []
        return [name for names in found for name in names] if all(found) else []
    return []


def _keys(node: ast.expr | None) -> Keys:
    """Return the keys of metadata that are written out; None where they are not."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return frozenset()
    if not isinstance(node, ast.Dict):
        return None
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return frozenset(keys) if len(keys) == len(node.keys) else None
