"""What may stand in a platform's template: a small part of Jinja2, checked before anything of it runs.

There are texts, {{ values }} and {% if %}. Values are variables, texts, whole numbers, comparisons, and, or,
not, `a if b else c`, and the filters. There are no loops, calls, attributes, indices or arithmetic, so what a template
costs is bounded by its length: nothing has to be stopped while it runs. Every value has a type that is known here, so
that a template that passes does not fail later.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from itertools import pairwise
from typing import TypeAlias

from jinja2 import Environment, TemplateSyntaxError, nodes

FILTERS = {"money": "number", "amount": "number", "time": "time", "plural": "number"}
"""The filters, and the type each takes; all give text."""
MOST_SUBJECT = 500
MOST_BODY = 4000
"""Characters of a source."""

_DEEPEST = 12
_MOST_VALUES = 300
_LARGEST = 10**15
_FORMS = ("zero", "one", "two", "few", "many", "other")  # CLDR's plural categories
_ORDERED = ("number", "time")
_TAG = re.compile(r"(?=\{[{%#])")

Types: TypeAlias = Mapping[str, str]
"""Variables by name: number, text, flag, time, or time? where it may be missing."""


class TemplateProblem(Exception):
    """A template cannot be used: where, in characters counted from 1, and what is wrong and how to mend it."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(f"at character {position}: {problem}")
        self.position = position
        self.problem = problem


class _Wrong(Exception):
    """A problem in a line, at a word of it if there is one."""

    def __init__(self, line: int | None, problem: str, word: str = "") -> None:
        super().__init__(problem)
        self.line = line or 1
        self.problem = problem
        self.word = word


def check(environment: Environment, source: str, variables: Types, most: int) -> None:
    """Refuse a source that is longer than `most` characters or has in it what may not be; TemplateProblem."""
    if len(source) > most:
        raise TemplateProblem(most + 1, f"it has {len(source)} characters; at most {most} are allowed")
    for at, letter in enumerate(source):
        if unicodedata.category(letter) == "Cc" and letter not in "\n\t":
            raise TemplateProblem(at + 1, f"the control character U+{ord(letter):04X} cannot be sent; leave it out")
    wrong = _wrong(environment, source, variables)
    if wrong is not None:
        raise _placed(environment, source, variables, wrong)


def _wrong(environment: Environment, source: str, variables: Types) -> _Wrong | None:
    """Find what is wrong with a source, with its line."""
    try:
        _Checker(variables).statements(environment.parse(source).body, 1)
    except _Wrong as wrong:
        return wrong
    except TemplateSyntaxError as error:
        return _Wrong(error.lineno, error.message or "it cannot be read")
    except RecursionError:
        return _Wrong(1, f"it is nested too deeply; at most {_DEEPEST} levels are allowed")
    except (ValueError, OverflowError, ArithmeticError) as error:  # of literals that Python itself refuses
        return _Wrong(1, f"it cannot be read: {error}")
    return None


def _placed(environment: Environment, source: str, variables: Types, wrong: _Wrong) -> TemplateProblem:
    """Say in characters where a problem is. Jinja2 counts lines only, so it is asked again with a line for each tag."""
    pieces = _TAG.split(source)
    starts: list[int] = []
    at = 0
    for piece in pieces:
        for line in piece.split("\n"):
            starts.append(at)
            at += len(line) + 1
        at -= 1
    again = _wrong(environment, "\n".join(pieces), variables) or wrong
    start = starts[min(again.line, len(starts)) - 1] if again is not wrong else 0
    if again.word and (found := re.compile(rf"\b{re.escape(again.word)}\b").search(source, start)):
        start = found.start()
    return TemplateProblem(start + 1, again.problem)


class _Checker:
    """Walks a tree of Jinja2's; each method refuses with _Wrong what it does not know."""

    def __init__(self, variables: Types) -> None:
        self._variables = variables
        self._given: frozenset[str] = frozenset()
        """Variables that an {% if %} around has found to be there."""
        self._values = 0

    def statements(self, body: list[nodes.Node], depth: int) -> None:
        for node in body:
            if depth > _DEEPEST:
                raise _Wrong(node.lineno, f"it is nested too deeply; at most {_DEEPEST} levels are allowed")
            if isinstance(node, nodes.Output):
                self._output(node, depth)
            elif isinstance(node, nodes.If):
                self._if(node, depth)
            else:
                name = type(node).__name__.lower()
                raise _Wrong(node.lineno, f"{name} is not known here; the only tags are if, elif, else and endif")

    def _output(self, node: nodes.Output, depth: int) -> None:
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                continue
            shown = self.type_of(child, depth)
            if shown not in ("text", "number"):
                how = "write it with |time" if shown.startswith("time") else "ask for it with {% if %}"
                raise _Wrong(child.lineno, f"this cannot be shown as it is; {how}", _word(child))

    def _if(self, node: nodes.If, depth: int) -> None:
        before = self._given
        self.type_of(node.test, depth)
        self._given = before | _found(node.test)
        self.statements(node.body, depth + 1)
        self._given = before
        for other in node.elif_:
            self._if(other, depth)
        self.statements(node.else_, depth + 1)

    def type_of(self, node: nodes.Node, depth: int) -> str:
        """Tell the type of a value."""
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _Wrong(node.lineno, f"it has more than {_MOST_VALUES} variables, texts, comparisons and filters")
        if depth > _DEEPEST:
            raise _Wrong(node.lineno, f"it is nested too deeply; at most {_DEEPEST} levels are allowed")
        known: dict[type[nodes.Node], Callable[..., str]] = {
            nodes.Const: self._const,
            nodes.Name: self._name,
            nodes.Neg: self._neg,
            nodes.Not: self._not,
            nodes.And: self._both,
            nodes.Or: self._both,
            nodes.Compare: self._compare,
            nodes.CondExpr: self._choice,
            nodes.Filter: self._filter,
        }
        if type(node) not in known:
            raise _Wrong(
                node.lineno,
                f"{type(node).__name__.lower()} is not allowed: there are variables, texts, whole numbers, comparisons,"
                " and, or, not, if, and filters, but no loops, calls, attributes, lists or arithmetic",
            )
        return known[type(node)](node, depth + 1)

    def _const(self, node: nodes.Const, _depth: int) -> str:
        if isinstance(node.value, bool):
            return "flag"
        if isinstance(node.value, str):
            return "text"
        if isinstance(node.value, int) and abs(node.value) <= _LARGEST:
            return "number"
        raise _Wrong(node.lineno, f"constants are texts and whole numbers up to {_LARGEST}")

    def _name(self, node: nodes.Name, _depth: int) -> str:
        if node.name not in self._variables:
            near = get_close_matches(node.name[:64], self._variables, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            names = ", ".join(sorted(self._variables))
            raise _Wrong(node.lineno, f"there is no variable {node.name[:64]}; {hint}there are {names}", node.name)
        known = self._variables[node.name]
        return known.rstrip("?") if node.name in self._given else known

    def _neg(self, node: nodes.Neg, depth: int) -> str:
        if self.type_of(node.node, depth) != "number":
            raise _Wrong(node.lineno, "only a number can have a minus before it", _word(node.node))
        return "number"

    def _not(self, node: nodes.Not, depth: int) -> str:
        self.type_of(node.node, depth)
        return "flag"

    def _both(self, node: nodes.And | nodes.Or, depth: int) -> str:
        self.type_of(node.left, depth)
        before = self._given
        if isinstance(node, nodes.And):
            self._given = before | _found(node.left)
        self.type_of(node.right, depth)
        self._given = before
        return "flag"

    def _compare(self, node: nodes.Compare, depth: int) -> str:
        types = [self.type_of(node.expr, depth), *(self.type_of(item.expr, depth) for item in node.ops)]
        for item, (left, right) in zip(node.ops, pairwise(types), strict=True):
            if item.op in ("in", "notin"):
                raise _Wrong(node.lineno, "in is not known here; compare with == instead")
            if left != right or (item.op not in ("eq", "ne") and left not in _ORDERED):
                raise _Wrong(node.lineno, f"{left} and {right} cannot be compared in this way", _word(node.expr))
        return "flag"

    def _choice(self, node: nodes.CondExpr, depth: int) -> str:
        before = self._given
        self.type_of(node.test, depth)
        self._given = before | _found(node.test)
        chosen = self.type_of(node.expr1, depth)
        self._given = before
        if node.expr2 is not None and self.type_of(node.expr2, depth) != chosen:
            raise _Wrong(node.lineno, "both sides of else must be of one type", _word(node.expr1))
        if node.expr2 is None and chosen != "text":
            raise _Wrong(node.lineno, "without an else only a text can be chosen", _word(node.expr1))
        return chosen

    def _filter(self, node: nodes.Filter, depth: int) -> str:
        if node.name not in FILTERS or node.node is None:
            raise _Wrong(node.lineno, f"there is no filter {node.name[:64]}; there are {', '.join(FILTERS)}", node.name)
        self._input(node, self.type_of(node.node, depth))
        if node.name == "amount" and "quantity" not in self._variables:
            raise _Wrong(node.lineno, "amount shows a unit's price times quantity, which this kind has not; take money")
        if node.args or node.dyn_args or node.dyn_kwargs or (node.name != "plural" and node.kwargs):
            raise _Wrong(node.lineno, f"{node.name} takes no such arguments", node.name)
        if node.name == "plural":
            _check_forms(node)
        return "text"

    def _input(self, node: nodes.Filter, given: str) -> None:
        if given == FILTERS[node.name]:
            return
        if given == f"{FILTERS[node.name]}?":
            name = _word(node.node)
            raise _Wrong(node.lineno, f"{name} may be missing; ask for it first with {{% if {name} %}}", name)
        raise _Wrong(node.lineno, f"{node.name} is for a {FILTERS[node.name]}, and this is a {given}", node.name)


def _check_forms(node: nodes.Filter) -> None:
    """Check that plural has forms by name, each once and a text, and `other` among them."""
    names = [item.key for item in node.kwargs]
    texts = all(isinstance(item.value, nodes.Const) and isinstance(item.value.value, str) for item in node.kwargs)
    if "other" not in names or len(set(names)) < len(names) or not set(names) <= set(_FORMS) or not texts:
        forms = ", ".join(_FORMS)
        raise _Wrong(
            node.lineno,
            f'plural needs texts by CLDR\'s names ({forms}), other among them: plural(one="a seat", other="# seats")',
            "plural",
        )


def _found(test: nodes.Node) -> frozenset[str]:
    """Name the variables that are there where a condition holds."""
    if isinstance(test, nodes.Name):
        return frozenset((test.name,))
    if isinstance(test, nodes.And):
        return _found(test.left) | _found(test.right)
    return frozenset()


def _word(node: nodes.Node | None) -> str:
    return node.name if isinstance(node, nodes.Name) else ""
