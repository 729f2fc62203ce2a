"""Every SQL statement that the source of the services has, and the function it stands in.

A statement is what is handed to a call that executes one. Where constants of its module say all of it, it is read from
the source. Where it is put together at run time, every function of the module is called with stand-ins for what it is
given, once with all of it there and once with nothing, and what reaches the stand-in of a connection is the statement.
"""

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import product
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, get_type_hints

from psycopg import sql

from services.chassis.exporting import Section

ROOT = Path(__file__).resolve().parents[3]
EXECUTING = {"execute": 0, "executemany": 0, "stream": 0, "ask": 1, "put": 1, "Section": 1}
"""Which argument of which call is a statement; that of a Section of an export is executed later."""
UNKNOWN = "?unknown?"


@dataclass(frozen=True)
class Statement:
    """A statement and where it stands."""

    function: str
    """`pricing.store.lines:list_lines`, without `services.` before it."""
    line: int
    text: str

    @property
    def service(self) -> str:
        """The service whose tables it is about; the chassis has those that every service has."""
        return self.function.split(".")[0]


@dataclass
class Collected:
    """The statements of the services, and the places where there is one that could not be read."""

    statements: list[Statement] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """Functions."""


@dataclass(frozen=True)
class _Place:
    function: str
    call: ast.Call
    argument: ast.expr


def collect() -> Collected:
    """Read all stores and the chassis: the layout's rules allow SQL nowhere else."""
    collected = Collected()
    for path in sorted((ROOT / "services").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if ".store" in name or name.startswith("services.chassis"):
            collect_module(name, ast.parse(path.read_text(encoding="utf-8")), collected)
    return collected


def collect_module(name: str, tree: ast.Module, collected: Collected) -> None:
    """Add the statements of one module, which can be imported."""
    module = importlib.import_module(name)
    collected.statements += _sections(name, module)
    written_later: list[_Place] = []
    for place in _places(name, tree):
        try:
            text = eval(compile(ast.Expression(place.argument), name, "eval"), vars(module))  # noqa: S307 - our source
        except NameError:
            written_later.append(place)
        else:
            collected.statements.append(Statement(place.function, place.call.lineno, _text(text)))
    recorded = _recorded(module) if written_later else {}
    for place in written_later:
        lines = range(place.call.lineno, (place.call.end_lineno or place.call.lineno) + 1)
        texts = {text for line in lines for text in recorded.get(line, ()) if UNKNOWN not in text}
        collected.statements += [Statement(place.function, place.call.lineno, text) for text in sorted(texts)]
        if not texts:
            collected.unread.append(place.function)


def _sections(name: str, module: ModuleType) -> Iterator[Statement]:
    """Give the statements that a module has as data: what is exported of a member, section by section."""
    for variable, value in vars(module).items():
        given = value
        if inspect.isfunction(value) and value.__annotations__.get("return") == tuple[Section, ...]:
            given = value(*(_StandIn(there=True) for _ in inspect.signature(value).parameters))
        for item in given if isinstance(given, list | tuple) else ():
            if isinstance(item, Section):
                yield Statement(f"{name.removeprefix('services.')}:{variable}", 0, item.query)


def _places(module: str, tree: ast.Module) -> Iterator[_Place]:
    """Give every call that executes a statement, and the function or method it stands in."""

    def within(node: ast.AST, names: tuple[str, ...]) -> Iterator[_Place]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from within(child, (*names, child.name))
            else:
                yield from within(child, names)
            if isinstance(child, ast.Call):
                called = child.func.attr if isinstance(child.func, ast.Attribute) else getattr(child.func, "id", "")
                if called in EXECUTING and len(child.args) > EXECUTING[called]:
                    yield _Place(
                        f"{module.removeprefix('services.')}:{'.'.join(names)}", child, child.args[EXECUTING[called]]
                    )

    return within(tree, ())


def _text(statement: object) -> str:
    if isinstance(statement, sql.Composable):
        return statement.as_string(None)
    return statement.decode() if isinstance(statement, bytes) else str(statement)


class _StandIn:
    """Stands for anything that a function of a store is given: there or empty, it has whatever is asked of it."""

    def __init__(self, *, there: bool) -> None:
        self._there = there

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: object, **__: object) -> Any:
        return self

    def __bool__(self) -> bool:
        return self._there

    def __iter__(self) -> Iterator[Any]:
        return iter([self] if self._there else [])

    def __len__(self) -> int:
        return int(self._there)

    def __getitem__(self, _: object) -> Any:
        return self

    def __hash__(self) -> int:
        return 1

    def __eq__(self, _: object) -> bool:
        return False

    def __lt__(self, _: object) -> bool:
        return False

    def __add__(self, _: object) -> Any:
        return self

    __radd__ = __sub__ = __rsub__ = __add__

    def __str__(self) -> str:
        return UNKNOWN

    def __format__(self, _: str) -> str:
        return UNKNOWN


class _Recorder:
    """Stands for a connection and its cursors: it remembers what it is asked to execute, and has no rows."""

    def __init__(self, file: str, recorded: dict[int, set[str]], *, there: bool) -> None:
        self._file = file
        self._recorded = recorded
        self._there = there

    async def execute(self, statement: object, *_: object, **__: object) -> "_Recorder":
        """Remember a statement at every line of the module that led to it."""
        for line in _lines(sys._getframe(1), self._file):
            self._recorded.setdefault(line, set()).add(_text(statement))
        return self

    executemany = execute
    _pipeline = None
    rowcount = 0

    def cursor(self, *_: object, **__: object) -> "_Recorder":
        return self

    async def fetchone(self) -> Any:
        return _StandIn(there=True) if self._there else None

    async def fetchall(self) -> list[Any]:
        return []

    def __aiter__(self) -> "_Recorder":
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration


def _lines(frame: FrameType | None, file: str) -> Iterator[int]:
    while frame:
        if frame.f_code.co_filename == file:
            yield frame.f_lineno
        frame = frame.f_back


def _recorded(module: ModuleType) -> Mapping[int, set[str]]:
    """Call every function of a module with stand-ins; the statements, by the lines that led to them."""
    recorded: dict[int, set[str]] = {}
    for function in vars(module).values():
        if inspect.iscoroutinefunction(function) and function.__module__ == module.__name__:
            for there in (True, False):
                recorder = _Recorder(str(module.__file__), recorded, there=there)
                for given in _arguments(function, recorder, there=there):
                    _try(function, given)
    return recorded


def _arguments(function: Callable[..., Any], recorder: _Recorder, *, there: bool) -> Iterator[dict[str, Any]]:
    """Give what a function may be called with: stand-ins, and each value of an enumeration."""
    hints = get_type_hints(function)
    choices: dict[str, list[Any]] = {}
    for name in inspect.signature(function).parameters:
        kind: Any = hints.get(name)
        is_choice = isinstance(kind, type) and issubclass(kind, Enum)
        choices[name] = [recorder] if name == "connection" else list(kind) if is_choice else [_StandIn(there=there)]
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def _try(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Call a function as far as its stand-ins carry it; a place that none of the calls reached is told as unread."""
    running = function(**given)
    try:
        running.send(None)
    except (StopIteration, Exception):  # noqa: BLE001 - what a stand-in cannot do says nothing of the function
        return
    running.close()
