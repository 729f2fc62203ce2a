"""Finds the line of a key in a TOML text, because the standard library's parser forgets lines."""

import re
from collections import defaultdict

Path = tuple[str | int, ...]
"""Where something lies: keys, and numbers from 0 within arrays of tables."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w\"'.\s-]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w\"'.-]+)\s*=")
_QUOTES = re.compile(r'"""|\'\'\'')


class Lines:
    """The lines of one text. Tables and keys that begin a line are known; what is inside one is searched for."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._known: dict[Path, int] = {}
        self._tables: list[int] = []
        self._index()

    def find(self, path: Path, word: str = "") -> int:
        """Tell the line (from 1) of `path`, or of the first `word` in what is known of it; 1 if nothing is."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._known:
                rest = [str(part) for part in path[length:] if isinstance(part, str)]
                return self._search(self._known[path[:length]], [*rest, *filter(None, [word])])
        return self._search(1, [word] if word else [])

    def _search(self, start: int, words: list[str]) -> int:
        """Find the words one after the other, from `start` to the end of the table it lies in."""
        end = next((line for line in self._tables if line > start), len(self._lines) + 1)
        found = start
        for word in words:
            pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
            found = next((at for at in range(found, end) if pattern.search(self._lines[at - 1])), found)
        return found

    def _index(self) -> None:
        counts: dict[Path, int] = defaultdict(int)
        table: Path = ()
        quoted = False
        for number, line in enumerate(self._lines, 1):
            if not quoted and (header := _HEADER.match(line)):
                table = _resolve(_parts(header[2]), counts, new=header[1] == "[[")
                self._known[table] = number
                self._tables.append(number)
            elif not quoted and (key := _KEY.match(line)):
                self._known.setdefault(table + _parts(key[1]), number)
            quoted ^= len(_QUOTES.findall(line)) % 2 == 1


def _parts(dotted: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _resolve(names: Path, counts: dict[Path, int], *, new: bool) -> Path:
    """Put numbers behind the names of arrays: [[step]] the third time is step, 2."""
    path: Path = ()
    for at, name in enumerate(names):
        path += (name,)
        if new and at == len(names) - 1:
            counts[path] += 1
        if counts.get(path):
            path += (counts[path] - 1,)
    return path
