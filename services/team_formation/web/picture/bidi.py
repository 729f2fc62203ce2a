"""The order of text of two directions: the Unicode Bidirectional Algorithm (UAX #9) for one paragraph.

Embeddings and overrides are left out, as the text is cleaned of them; isolates, marks and brackets are there. The names
W1 to L2 are the rules of the standard.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from unicodedata import bidirectional

LEFT, RIGHT = 0, 1
"""Levels of a paragraph."""

_INITIATORS = {"LRI": LEFT, "RLI": RIGHT, "FSI": None}
_PDI = "PDI"
_DEEPEST = 20
_NEUTRAL = frozenset({"B", "S", "WS", "ON", "LRI", "RLI", "FSI", "PDI"})
_STRONG = {"L": LEFT, "R": RIGHT, "AL": RIGHT, "EN": RIGHT, "AN": RIGHT}
# BidiBrackets.txt has 128; these are the ones that shops and languages of ours write.
_PAIRS = dict(zip("([{⁅〈《「『【〔〖〘〚（［｛", ")]}⁆〉》」』】〕〗〙〛）］｝", strict=True))  # noqa: RUF001 - brackets of full width


def direction(text: str, fallback: int) -> int:
    """Tell the level of a paragraph by its first letter that has a direction, isolates apart (P2, P3)."""
    kinds = [bidirectional(letter) for letter in text]
    return _direction(kinds, range(len(text)), fallback)


def _direction(kinds: Sequence[str], places: range, fallback: int) -> int:
    depth = 0
    for at in places:
        kind = kinds[at]
        if kind in _INITIATORS:
            depth += 1
        elif kind == _PDI:
            depth = max(0, depth - 1)
        elif depth == 0 and kind in {"L", "R", "AL"}:
            return _STRONG[kind]
    return fallback


def levels(text: str, paragraph: int) -> list[int]:
    """Give the embedding level of every character; odd ones run from right to left."""
    kinds = [bidirectional(letter) or "L" for letter in text]
    found = [paragraph] * len(text)
    waiting = [(range(len(text)), paragraph)]
    while waiting:
        places, level = waiting.pop()
        own: list[int] = []
        for at, inside in _isolates(kinds, places):
            own.append(at)
            if inside:
                forced = _INITIATORS[kinds[at]]
                inner = _direction(kinds, inside, LEFT) if forced is None else forced
                deeper = min(level + 1 + (level % 2 == inner), _DEEPEST + inner)
                waiting.append((inside, deeper))
        _resolve(text, kinds, own, level, found)
    return found


def _isolates(kinds: Sequence[str], places: range) -> Iterator[tuple[int, range]]:
    """Yield the places of a level, each with the isolate that it begins (BD9); an empty one for most."""
    at = places.start
    while at < places.stop:
        inside = range(0)
        if kinds[at] in _INITIATORS:
            inside = range(at + 1, _end_of_isolate(kinds, at, places.stop))
        yield at, inside
        at = inside.stop if inside else at + 1


def _end_of_isolate(kinds: Sequence[str], start: int, stop: int) -> int:
    depth = 0
    for at in range(start, stop):
        depth += (kinds[at] in _INITIATORS) - (kinds[at] == _PDI)
        if depth == 0:
            return at
    return stop


def _resolve(text: str, kinds: Sequence[str], places: Sequence[int], level: int, found: list[int]) -> None:
    """Find the levels of a sequence of places between isolates."""
    seen = [at for at in places if kinds[at] != "BN"]  # X9
    own = [kinds[at] for at in seen]
    around = "R" if level % 2 else "L"
    _weak(own, around)
    _brackets([text[at] for at in seen], own, around, [kinds[at] == "NSM" for at in seen])
    _neutral(own, around)
    by_place = {at: level + _raise(kind, level) for at, kind in zip(seen, own, strict=True)}
    last = level
    for at in places:
        last = by_place.get(at, last)
        found[at] = last


def _raise(kind: str, level: int) -> int:
    """Tell how far above its sequence a resolved character is (I1, I2)."""
    if level % 2:
        return 0 if kind == "R" else 1
    return {"L": 0, "R": 1}.get(kind, 2)


def _weak(own: list[str], around: str) -> None:
    """Settle marks, numbers and what belongs to numbers (W1 to W7)."""
    _marks(own, around)
    _numbers_after_arabic(own, around)
    own[:] = ["R" if kind == "AL" else kind for kind in own]  # W3
    _separators(own)
    _terminators(own)
    own[:] = ["ON" if kind in {"ES", "CS", "ET"} else kind for kind in own]  # W6
    strong = around
    for at, kind in enumerate(own):  # W7
        strong = kind if kind in {"L", "R"} else strong
        if kind == "EN" and strong == "L":
            own[at] = "L"


def _marks(own: list[str], around: str) -> None:
    before = around
    for at, kind in enumerate(own):  # W1
        if kind == "NSM":
            own[at] = "ON" if before in _INITIATORS or before == _PDI else before
        before = own[at]


def _numbers_after_arabic(own: list[str], around: str) -> None:
    strong = around
    for at, kind in enumerate(own):  # W2
        strong = kind if kind in {"L", "R", "AL"} else strong
        if kind == "EN" and strong == "AL":
            own[at] = "AN"


def _separators(own: list[str]) -> None:
    for at in range(1, len(own) - 1):  # W4
        before, kind, after = own[at - 1 : at + 2]
        if before == after and ((kind == "CS" and before in {"EN", "AN"}) or (kind == "ES" and before == "EN")):
            own[at] = before


def _terminators(own: list[str]) -> None:
    for start, stop, kind in _runs(own):  # W5
        if kind == "ET" and "EN" in {*own[max(0, start - 1) : start], *own[stop : stop + 1]}:
            own[start:stop] = ["EN"] * (stop - start)


def _brackets(letters: Sequence[str], own: list[str], around: str, marks: Sequence[bool]) -> None:
    """Give brackets, and marks on them, the direction of what is in them or before them (N0)."""
    for opened, closed in _pairs(letters, own):
        side = _side_of_pair(own, opened, closed, around)
        for at in (opened, closed) if side else ():
            stop = next((after for after in range(at + 1, len(own)) if not marks[after]), len(own))
            own[at:stop] = [side or around] * (stop - at)


def _side_of_pair(own: Sequence[str], opened: int, closed: int, around: str) -> str | None:
    inside = {_side(kind) for kind in own[opened + 1 : closed]} - {None}
    if around in inside or not inside:
        return around if inside else None
    before = next((side for kind in reversed(own[:opened]) if (side := _side(kind))), around)
    return before if before in inside else around


def _pairs(letters: Sequence[str], own: Sequence[str]) -> list[tuple[int, int]]:
    """Find the brackets that belong together, by where they open (BD16)."""
    found, opened = [], []
    for at, letter in enumerate(letters):
        if own[at] != "ON":
            continue
        if letter in _PAIRS:
            opened.append(at)
            continue
        match = next((place for place in reversed(opened) if _PAIRS[letters[place]] == letter), None)
        if match is not None:
            found.append((match, at))
            del opened[opened.index(match) :]
    return sorted(found)


def _neutral(own: list[str], around: str) -> None:
    """Give what has no direction that of both sides, where they agree, else that of the sequence (N1, N2)."""
    flat = ["ON" if kind in _NEUTRAL else kind for kind in own]
    for start, stop, kind in _runs(flat):
        if kind == "ON":
            before = _side(flat[start - 1]) if start else around
            after = _side(flat[stop]) if stop < len(flat) else around
            own[start:stop] = [before if before and before == after else around] * (stop - start)


def _side(kind: str) -> str | None:
    level = _STRONG.get(kind)
    return None if level is None else "LR"[level]


def _runs(values: Sequence[str]) -> list[tuple[int, int, str]]:
    """Give stretches of the same value: where they begin, where they end, the value."""
    found, at = [], 0
    for value, same in groupby(values):
        stop = at + len(list(same))
        found.append((at, stop, value))
        at = stop
    return found


def visual(text: str, embedding: Sequence[int], paragraph: int) -> list[tuple[int, int, int]]:
    """Order a line: stretches of one level from left to right, as where they begin and end in it, and their level."""
    shown = list(embedding)
    for at in reversed(range(len(text))):  # L1: what hangs off the end of a line stays at its end
        if bidirectional(text[at]) not in {"WS", "FSI", "LRI", "RLI", "PDI", "BN", "B", "S"}:
            break
        shown[at] = paragraph
    runs, at = [], 0
    for level, same in groupby(shown):
        stop = at + len(list(same))
        runs.append((at, stop, level))
        at = stop
    for floor in range(max(shown, default=0), 0, -1):  # L2
        runs = _turned(runs, floor)
    return runs


def _turned(runs: Sequence[tuple[int, int, int]], floor: int) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for high, same in groupby(runs, key=lambda run: run[2] >= floor):
        part = list(same)
        found += reversed(part) if high else part
    return found
