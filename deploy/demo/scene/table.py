"""Reads one table of a scene key by key: what is missing, wrong or not known is told with its line and the remedy."""

import difflib
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from deploy.demo.errors import SceneError
from deploy.demo.money import digits, to_minor
from deploy.demo.scene import lines
from deploy.demo.scene.order import by_number

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_KINDS = {str: "a text in quotes", bool: "true or false", int: "a whole number", dict: "a table", list: "a list"}


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word is meant, or which there are."""
    words = sorted(known, key=by_number)
    by_lower = {item.lower(): item for item in words}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{by_lower[close[0]]}"?'
    return f"There {'is' if len(words) == 1 else 'are'}: {', '.join(words)}." if words else "There are none."


class Table:
    """One table. Each reading names its key, so that `close` knows which others are mistakes."""

    def __init__(self, file: Path, where: lines.Lines, data: Mapping[str, Any], path: lines.Path = ()) -> None:
        self.data = data
        self._file = file
        self._lines = where
        self._path = path
        self._asked: list[str] = []

    @property
    def line(self) -> int:
        """Where the table begins, from 1; a table within a list of inline tables by its first key."""
        return self._lines.find(self._path, next(iter(self.data), ""))

    def wrong(self, key: str, what: str, remedy: str, word: str = "") -> SceneError:
        """Make the error of a key."""
        line = self._lines.find((*self._path, key) if key else self._path, word)
        return SceneError(f"{self._file}:{line}: {what}. {remedy}")

    def has(self, key: str) -> bool:
        """Tell whether a key is there; it counts as known."""
        self._asked.append(key)
        return key in self.data

    def text(self, key: str, default: str | None = None) -> str:
        """Read a text."""
        value: str = self._read(key, str, default)
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Read true or false."""
        value: bool = self._read(key, bool, default)
        return value

    def number(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """Read a whole number."""
        value: int = self._read(key, int, default)
        if value < least:
            raise self.wrong(key, f"{key} = {value} is too small", f"Write {least} or more.")
        return value

    def number_or_none(self, key: str) -> int | None:
        """Read a whole number that need not be there."""
        return self.number(key) if self.has(key) else None

    def amount(self, key: str, currency: str) -> int:
        """Read an amount of money as minor units."""
        value = self._present(key, None)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.wrong(
                key, f"{key} must be an amount", "Write it as a number without quotes, for instance 24.90."
            )
        try:
            return to_minor(Decimal(value), currency)
        except ValueError:
            what = f"{key} = {value} is finer than {currency}, which has {digits(currency)} decimals"
            raise self.wrong(key, what, "Round it.") from None

    def amount_or_none(self, key: str, currency: str) -> int | None:
        """Read an amount that need not be there."""
        return self.amount(key, currency) if self.has(key) else None

    def percent(self, key: str) -> int:
        """Read a percentage with at most two decimals as basis points."""
        return self.amount(key, "EUR")  # which has hundredths, as a percentage has here

    def seconds(self, key: str, default: str | None = None) -> float:
        """Read a length of time."""
        text = self.text(key, default)
        if not (match := _LENGTH.fullmatch(text.strip())):
            raise self.wrong(
                key, f'{key} = "{text}" is no length of time', 'Write for instance "10 s", "5 min" or "2 h".'
            )
        return float(match[1]) * _SECONDS[match[2]]

    def word(self, key: str, known: Iterable[str], default: str | None = None) -> str:
        """Read a text that must be one of these words."""
        return self._known(key, self.text(key, default), known)

    def word_or_none(self, key: str, known: Iterable[str]) -> str | None:
        """Read one of these words that need not be there."""
        return self.word(key, known) if self.has(key) else None

    def words(
        self, key: str, known: Iterable[str] | None = None, default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Read one text or a list of texts, each one of these words where they are given."""
        value = self._present(key, default)
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise self.wrong(key, f"{key} must be a list of texts", f'Write for instance {key} = ["a", "b"].')
        return tuple(self._known(key, text, known) if known is not None else text for text in texts)

    def counts(self, key: str, known: Iterable[str]) -> dict[str, int]:
        """Read a table of whole numbers by word; empty where it is not there."""
        if not self.has(key):
            return {}
        table = self.table(key)
        return {self._known(key, word, known): table.number(word) for word in table.data}

    def amounts(self, key: str, known: Iterable[str], currency: str) -> dict[str, int]:
        """Read a table of amounts by word; empty where it is not there."""
        if not self.has(key):
            return {}
        table = self.table(key)
        return {self._known(key, word, known): table.amount(word, currency) for word in table.data}

    def words_by(self, key: str, known: Iterable[str], words: Iterable[str]) -> dict[str, str]:
        """Read a table of words by word; empty where it is not there."""
        if not self.has(key):
            return {}
        table = self.table(key)
        return {self._known(key, name, known): table.word(name, words) for name in table.data}

    def by_language(self, key: str, default: str | None = None) -> dict[str, str]:
        """Read a text, or a table of texts by language; one text alone is English."""
        if isinstance(self._present(key, default), dict):
            table = self.table(key)
            return {language: table.text(language) for language in table.data}
        text = self.text(key, default)
        return {"en": text} if text else {}

    def table(self, key: str) -> "Table":
        """Read a table within this one."""
        data: dict[str, Any] = self._read(key, dict, None)
        return Table(self._file, self._lines, data, (*self._path, key))

    def tables(self, key: str) -> list["Table"]:
        """Read a list of tables; at least one."""
        rows: list[Any] = self._read(key, list, None)
        if not rows or not all(isinstance(row, dict) for row in rows):
            raise self.wrong(key, f"{key} must be written as tables", f"Begin each with a line [[{key}]].")
        return [Table(self._file, self._lines, row, (*self._path, key, at)) for at, row in enumerate(rows)]

    def close(self) -> None:
        """Complain about the first key that nobody asked for."""
        for key in self.data:
            if key not in self._asked:
                raise self.wrong(
                    key, f'"{key}" is not known here', nearest(key, set(self._asked) - set(self.data)), key
                )

    def _known(self, key: str, word: str, known: Iterable[str]) -> str:
        if word not in (words := list(known)):
            raise self.wrong(key, f'{key}: "{word}" is not known', nearest(word, words), word)
        return word

    def _read(self, key: str, kind: type, default: Any) -> Any:
        value = self._present(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(key, f"{key} must be {_KINDS[kind]}", f"It is {_shown(value)}.")
        return value

    def _present(self, key: str, default: Any) -> Any:
        self._asked.append(key)
        value = self.data.get(key, default)
        if value is None:
            close = difflib.get_close_matches(key, set(self.data) - set(self._asked), n=1, cutoff=0.75)
            if close:
                raise self.wrong(close[0], f'"{close[0]}" is not known here', f'Did you mean "{key}"?', close[0])
            raise self.wrong("", f"{key} is missing", f"Add a line {key} = ...")
        return value


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
