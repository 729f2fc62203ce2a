"""Reads one scene from its file."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from deploy.demo.errors import SceneError
from deploy.demo.scene.campaign import read_campaign
from deploy.demo.scene.lines import Lines
from deploy.demo.scene.model import Campaign, Member, Promote, Scene, Share
from deploy.demo.scene.steps import CHANNELS, Known, read_step
from deploy.demo.scene.table import Table, nearest

_AT = re.compile(r" \(at line (\d+), column \d+\)$")


def read_scene(path: Path, before: Mapping[str, Scene]) -> Scene:
    """Read a scene; `before` are the scenes that it may continue, by name. SceneError names file and line."""
    table = _top(path)
    earlier = _continued(table, before)
    campaign = _campaign(table, earlier)
    members = {**(earlier.members if earlier else {}), **_members(table)}
    known = Known(
        campaign.currency,
        tuple(item.sku for item in campaign.items),
        frozenset(members),
        [chat for step in _before(earlier, before) for chat in step.chats],
        [step.promoter for step in _before(earlier, before) if isinstance(step, Promote)],
    )
    scene = Scene(
        name=path.stem,
        path=path,
        title=table.text("title"),
        story=table.text("story", ""),
        continues=earlier.name if earlier else "",
        campaign=campaign,
        members=members,
        steps=tuple(read_step(row, known) for row in table.tables("step")),
    )
    table.close()
    return scene


def _top(path: Path) -> Table:
    try:
        text = path.read_text(encoding="utf-8")
        data: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SceneError(f"{path}: is not UTF-8. Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(path, str(error)) from None
    return Table(path, Lines(text), data)


def _no_toml(path: Path, said: str) -> SceneError:
    """Tell where a text is no TOML; the parser has line and column in its sentence only."""
    where = _AT.search(said)
    problem = _AT.sub("", said).removesuffix(" (at end of document)")
    return SceneError(f"{path}:{where[1] if where else 'end'}: {problem}. This is no TOML; see https://toml.io.")


def _continued(table: Table, before: Mapping[str, Scene]) -> Scene | None:
    if not table.has("continues"):
        return None
    name = table.text("continues")
    if name not in before:
        raise table.wrong("continues", f'No earlier scene is called "{name}"', nearest(name, before), name)
    return before[name]


def _campaign(table: Table, earlier: Scene | None) -> Campaign:
    if earlier is None:
        return read_campaign(table.table("campaign"))
    if table.has("campaign"):
        raise table.wrong("campaign", "A scene that continues another has its campaign", "Remove one of the two.")
    return earlier.campaign


def _members(table: Table) -> dict[str, Member]:
    if not table.has("members"):
        return {}
    rows = table.table("members")
    return {name: _member(rows, name) for name in rows.data}


def _member(rows: Table, name: str) -> Member:
    """Read `Mei = "email"`, `Mei = ["email", "console"]` or `Mei = { reach = [...], language = "zh-Hans" }`."""
    if not name.isalnum() or not name.isascii():
        raise rows.wrong(name, f'"{name}" is no first name', "Use letters a to z and digits: it becomes part of an id.")
    if not isinstance(rows.data[name], dict):
        return Member(name, rows.words(name, CHANNELS))
    row = rows.table(name)
    member = Member(
        name,
        row.words("reach", CHANNELS),
        row.text("language", ""),
        row.text("time_zone", ""),
        row.flag("newcomer", default=False),
        row.words("tags", None, ()),
        row.text("match_key", ""),
    )
    row.close()
    return member


def _before(scene: Scene | None, before: Mapping[str, Scene]) -> list[Share | Promote]:
    """List the steps of the scenes continued that shared a link."""
    if scene is None:
        return []
    return _before(before.get(scene.continues), before) + [
        step for step in scene.steps if isinstance(step, Share | Promote)
    ]
