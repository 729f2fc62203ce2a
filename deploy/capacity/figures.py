"""What was measured, and how: read from one file, each figure with the command and the commit it comes from."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("figures.toml")


@dataclass(frozen=True)
class Source:
    """Where figures come from."""

    command: str
    commit: str
    note: str


@dataclass(frozen=True)
class Table:
    """What a member leaves in a table, and for how long."""

    bytes: float
    days: int
    """0: for good."""


@dataclass(frozen=True)
class Figures:
    """Everything that the model reckons with; microseconds are of one core, bytes are for one member."""

    rates: Mapping[str, float]
    """What one process does in a second."""
    cpu: Mapping[str, float]
    """By program, for one member from its join to its last message."""
    tables: Mapping[str, Table]
    """By `service.table`."""
    topics: Mapping[str, float]
    log: float
    """PostgreSQL's write-ahead log."""
    row: float
    """A member that notification knows, with an address."""
    messages: Mapping[str, float]
    """Messages of a kind for one member of a team that forms."""
    settings: Mapping[str, int]
    """What an installation has where nothing else is set."""
    sources: Mapping[str, Source]
    """By the name of the section."""


def read(file: Path = FILE) -> Figures:
    """Read the file; KeyError names what is missing in it."""
    said = tomllib.loads(file.read_text(encoding="utf-8"))
    return Figures(
        rates=said["rates"]["a_second"],
        cpu=said["cpu"]["microseconds"],
        tables={
            name: Table(size, said["kept"]["days"].get(name.partition(".")[2], 0))
            for name, size in said["sizes"]["tables"].items()
        },
        topics=said["sizes"]["topics"],
        log=said["sizes"]["log"],
        row=said["sizes"]["known_member"],
        messages=said["messages"]["for_a_member"],
        settings=said["settings"]["values"],
        sources={
            name: Source(section.get("command", ""), section.get("commit", ""), section.get("note", ""))
            for name, section in said.items()
        },
    )
