"""Reads the invariants: one file in sql/ each, named by its number in the design and its subject.

A file begins with its sentence as a comment. A section begins with `-- database: <service>`. A file of one section
gives one row: how many things were looked at, how many violate, examples of those. A file of two sections compares:
each gives rows of a key and a value; a key that stands on one side only, or with another value, violates.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_SECTION = "-- database: "


@dataclass(frozen=True, slots=True)
class Invariant:
    """One invariant: what must hold, and the SQL per service's database that shows where it does not."""

    name: str
    sentence: str
    sections: tuple[tuple[str, str], ...]


@cache
def invariants() -> tuple[Invariant, ...]:
    """Every invariant, by name."""
    found = [item for item in (files("deploy.check") / "sql").iterdir() if item.name.endswith(".sql")]
    return tuple(
        parse(item.name.removesuffix(".sql"), item.read_text()) for item in sorted(found, key=lambda f: f.name)
    )


def parse(name: str, text: str) -> Invariant:
    """Read one file; ValueError where it lacks its sentence or a section."""
    head, *sections = text.split(_SECTION)
    sentence = " ".join(line.removeprefix("--").strip() for line in head.splitlines() if line.startswith("--"))
    if not sentence or len(sections) not in (1, 2):
        raise ValueError(f"{name}: needs a sentence and one or two sections that begin with '{_SECTION}'")
    split = [section.partition("\n") for section in sections]
    return Invariant(name, sentence, tuple((database.strip(), sql) for database, _, sql in split))
