"""Reads the flat XML of WeChat and WeCom: strictly, within bounds, without entities, and without ever raising.

Expat itself, because it stops at a document type, where entities are declared: bombs of them and files of ours cannot
be asked for (https://docs.python.org/3/library/xml.html#xml-security).
"""

from xml.parsers import expat

from services.team_formation.hooks.json_values import cleaned

DEEPEST = 8
_MOST_ELEMENTS = 500
_ROOT = "xml"


class _NotTaken(Exception):
    """Well-formed perhaps, but nothing that they send."""


class _Reader:
    """Collects the text of each element below the root."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._depth = self._elements = 0
        self._name = ""
        self._pieces: list[str] = []

    def start(self, name: str, _attributes: object) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST or self._elements > _MOST_ELEMENTS or (self._depth == 1 and name != _ROOT):
            raise _NotTaken
        if self._depth == 2:  # noqa: PLR2004 - below the root
            if name in self.fields:
                raise _NotTaken
            self._name, self._pieces = name, []

    def characters(self, text: str) -> None:
        if self._depth == 2:  # noqa: PLR2004
            self._pieces.append(text)

    def end(self, _name: str) -> None:
        if self._depth == 2:  # noqa: PLR2004
            self.fields[self._name] = "".join(self._pieces).strip()
        self._depth -= 1


def read_fields(raw: bytes) -> dict[str, str] | None:
    """Read <xml> with one element for each field, each once; None where it is anything else, or not UTF-8.

    What is nested deeper is passed over; where a declaration names another encoding, it is UTF-8 all the same.
    """
    reader, parser = _Reader(), expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        raw.decode()
        parser.Parse(raw, True)  # noqa: FBT003 - positional in pyexpat: this is all of it
    except (expat.ExpatError, _NotTaken, UnicodeDecodeError):
        return None
    return {name: cleaned(value, len(value)) for name, value in reader.fields.items()}


def _refuse(*_: object) -> None:
    raise _NotTaken
