"""Values: classes whose instances are never changed, and words.

A type checker holds to it; at run time nothing is checked: freezing a dataclass makes each of its fields three times as
dear to set, and every join makes half a dozen values of up to twenty-five fields.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, dataclass_transform

Kind = TypeVar("Kind")


@dataclass_transform(frozen_default=True)
def value(kind: type[Kind]) -> type[Kind]:
    """Make a class of values: a dataclass with slots."""
    return dataclass(slots=True)(kind)


class Word(StrEnum):
    """A word of the domain. Enum hashes in Python, at every look into a table of words; a text knows its hash."""

    __hash__ = str.__hash__
