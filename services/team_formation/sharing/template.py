"""Templates of share links: texts with placeholders, read into pieces once, filled with values often."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

MOST_CHARACTERS = 2_000
"""Of a template, and of each of its parts."""


class TemplateError(Exception):
    """A template cannot be used: where, in characters counted from 1, and what is wrong and how to mend it."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(f"at character {position}: {problem}")
        self.position = position
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a template: words as they are, or the name of a placeholder, and where it begins, counted from 1."""

    text: str
    position: int
    is_placeholder: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A template in pieces."""

    pieces: tuple[Piece, ...]

    @property
    def names(self) -> frozenset[str]:
        """The placeholders in it."""
        return frozenset(piece.text for piece in self.pieces if piece.is_placeholder)

    def filled(self, values: Mapping[str, str], encode: Callable[[str], str] = str) -> str:
        """Put the values, each encoded, in the places of their names; KeyError where one is missing."""
        return "".join(encode(values[piece.text]) if piece.is_placeholder else piece.text for piece in self.pieces)

    def lines(self) -> "list[Template]":
        """Split it at its line breaks, which are left out."""
        lines: list[list[Piece]] = [[]]
        for piece in self.pieces:
            if piece.is_placeholder:
                lines[-1].append(piece)
                continue
            first, *more = piece.text.split("\n")
            lines[-1].append(Piece(first, piece.position))
            lines += [[Piece(line, piece.position)] for line in more]
        return [Template(tuple(line)) for line in lines]


def parse(text: str, allowed: tuple[str, ...]) -> Template:
    """Read a template; TemplateError with the position of what cannot be read.

    {name} is a placeholder, {{ and }} are braces.
    """
    if len(text) > MOST_CHARACTERS:
        raise TemplateError(MOST_CHARACTERS + 1, f"it has more than {MOST_CHARACTERS} characters; shorten it")
    pieces: list[Piece] = []
    words, began, at = "", 1, 0
    while at < len(text):
        if text[at] in "{}" and text[at : at + 2] not in {"{{", "}}"}:
            pieces += [Piece(words, began)] if words else []
            name = _name(text, at, allowed)
            pieces.append(Piece(name, at + 1, is_placeholder=True))
            at += len(name) + 2
            words, began = "", at + 1
        else:
            words += text[at]
            at += 2 if text[at] in "{}" else 1
    pieces += [Piece(words, began)] if words else []
    return Template(tuple(pieces))


def _name(text: str, at: int, allowed: tuple[str, ...]) -> str:
    """Read the name of the placeholder that begins here."""
    if text[at] == "}":
        raise TemplateError(at + 1, "this } closes nothing; write }} for a brace")
    end = text.find("}", at)
    if end < 0:
        raise TemplateError(at + 1, "this { is not closed; write {{ for a brace")
    name = text[at + 1 : end]
    if name not in allowed:
        known = ", ".join(f"{{{item}}}" for item in allowed)
        shown = name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}..."
        raise TemplateError(at + 1, f"{{{shown}}} is no placeholder here; there are {known}")
    return name


_LONGEST_SHOWN = 32
