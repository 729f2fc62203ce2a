"""Draws panels as SVG on a page, roughly as Grafana lays them out: lines, legends, units and thresholds."""

import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_COLOURS = (
    "#73bf69",
    "#f2cc0c",
    "#8ab8ff",
    "#ff780a",
    "#f2495c",
    "#b877d9",
    "#56a64b",
    "#e0b400",
    "#3274d9",
    "#ff9830",
)
_PIXELS_OF_UNIT = 34
_WIDTH = 1720
_MOST_LEGENDS = 8

STYLE = f"""
body {{ margin: 0; background: #111217; color: #ccccdc; width: {_WIDTH}px; }}
body {{ font: 12px Inter, "DejaVu Sans", Arial, sans-serif; }}
h1 {{ font-size: 19px; font-weight: 500; margin: 14px 14px 2px; }}
p {{ margin: 0 14px 8px; color: #9d9da8; }}
.board {{ display: grid; grid-template-columns: repeat(24, 1fr); gap: 7px; padding: 7px 12px; }}
.row {{ grid-column: 1 / -1; font-size: 14px; padding: 8px 2px 0; }}
.panel {{ background: #181b1f; border: 1px solid #2a2d33; border-radius: 3px; padding: 7px 9px; overflow: hidden; }}
.title {{ font-size: 13px; margin-bottom: 3px; white-space: nowrap; }}
.legend {{ font-size: 10.5px; line-height: 14px; color: #b8b8c4; max-height: 30px; overflow: hidden; }}
.legend span {{ margin-right: 10px; white-space: nowrap; }}
.legend i {{ display: inline-block; width: 11px; height: 3px; margin-right: 4px; vertical-align: middle; }}
.stat {{ font-size: 30px; font-weight: 600; text-align: center; padding-top: 14px; }}
.stats {{ display: flex; justify-content: space-around; }}
.none {{ color: #70707c; text-align: center; padding-top: 34px; }}
text {{ fill: #8e8e9a; font-size: 10px; }}
"""


@dataclass(frozen=True, slots=True)
class Series:
    """One line: what it is called, and its points of time and value."""

    name: str
    points: Sequence[tuple[float, float]]


def legend(pattern: str, labels: Mapping[str, str]) -> str:
    """Fill a legend as Grafana does."""
    if pattern == "__auto":
        return ", ".join(value for name, value in labels.items() if name != "__name__") or "value"
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), pattern) or "value"


def page(board: Mapping[str, Any], drawn: Mapping[int, Sequence[Series]], caption: str) -> str:
    """Write the page of a board, with the series of each panel by its id."""
    parts = "".join(_place(panel, drawn.get(panel["id"], ())) for panel in board["panels"])
    title, said = html.escape(board["title"]), html.escape(caption)
    head = f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><h1>{title}</h1><p>{said}</p>"
    return f"{head}<div class=board>{parts}</div>"


def _place(panel: Mapping[str, Any], series: Sequence[Series]) -> str:
    title = html.escape(panel["title"])
    if panel["type"] == "row":
        return f"<div class=row>{title}</div>"
    at = panel["gridPos"]
    height = at["h"] * _PIXELS_OF_UNIT
    style = f"grid-column: {at['x'] + 1} / span {at['w']}; height: {height - 16}px"
    width = round(_WIDTH / 24 * at["w"]) - 34
    body = _body(panel, series, width, height - 80)
    return f'<div class=panel style="{style}"><div class=title>{title}</div>{body}</div>'


def _body(panel: Mapping[str, Any], series: Sequence[Series], width: int, height: int) -> str:
    if not series:
        return "<div class=none>No data</div>"
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] == "stat":
        return f"<div class=stats>{''.join(_stat(one, defaults, alone=len(series) == 1) for one in series)}</div>"
    return _lines(series, defaults["unit"], width, height) + _legends(series)


def _stat(series: Series, defaults: Mapping[str, Any], *, alone: bool) -> str:
    value = series.points[-1][1]
    reached = [
        step["color"] for step in defaults["thresholds"]["steps"] if step["value"] is None or value >= step["value"]
    ]
    colour = {"green": "#73bf69", "red": "#f2495c"}[reached[-1]]
    name = "" if alone else f"<div class=legend>{html.escape(series.name)}</div>"
    return f'<div><div class=stat style="color: {colour}">{written(value, defaults["unit"])}</div>{name}</div>'


def _legends(series: Sequence[Series]) -> str:
    spans = [
        f'<span><i style="background: {_COLOURS[number % len(_COLOURS)]}"></i>{html.escape(one.name)}</span>'
        for number, one in enumerate(series[:_MOST_LEGENDS])
    ]
    return f"<div class=legend>{''.join(spans)}</div>"


def _lines(series: Sequence[Series], unit: str, width: int, height: int) -> str:
    times = [at for one in series for at, _ in one.points]
    first = min(times)
    last = max(*times, first + 1)
    top = _round_up(max(value for one in series for _, value in one.points))
    left, bottom = 58, height - 16

    def x(at: float) -> float:
        return left + (at - first) / (last - first) * (width - left - 4)

    def y(value: float) -> float:
        return bottom - value / top * (bottom - 6)

    drawn = [*_axes(first, last, top, unit, (left, width, bottom), y)]
    for number, one in enumerate(series):
        points = " ".join(f"{x(at):.1f},{y(max(value, 0)):.1f}" for at, value in one.points)
        colour = _COLOURS[number % len(_COLOURS)]
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.4"/>')
    return f'<svg width="{width}" height="{height}">{"".join(drawn)}</svg>'


def _axes(first: float, last: float, top: float, unit: str, area: tuple[int, int, int], y: Any) -> Iterator[str]:
    left, width, bottom = area
    for part in (0, 0.25, 0.5, 0.75, 1):
        at = y(top * part)
        yield f'<line x1="{left}" x2="{width - 4}" y1="{at:.1f}" y2="{at:.1f}" stroke="#26292f"/>'
        yield f'<text x="{left - 6}" y="{at + 3:.1f}" text-anchor="end">{written(top * part, unit)}</text>'
    for part in (0, 0.5, 1):
        anchor = ("start", "middle", "end")[round(part * 2)]
        at = left + part * (width - left - 4)
        seconds = round((last - first) * part)
        yield f'<text x="{at:.0f}" y="{bottom + 13}" text-anchor="{anchor}">{seconds} s</text>'


def _round_up(value: float) -> float:
    """Find a round number that is no less: 1, 2 or 5 of some power of ten."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return float(next(power * step for step in (1, 2, 5, 10) if power * step >= value))


def written(value: float, unit: str) -> str:
    """Write a value in its unit."""
    if unit == "percentunit":
        return f"{value * 100:.4g}%"
    if unit == "bytes":
        return _scaled(value, 1024, ("B", "KiB", "MiB", "GiB"))
    if unit == "s":
        if value >= 120:
            return f"{value / 60:.3g} min"
        return f"{value:.3g} s" if value >= 1 or value == 0 else f"{value * 1000:.3g} ms"
    suffix = "/s" if unit == "ops" else ""
    return _scaled(value, 1000, ("", "K", "M", "G")).strip() + suffix


def _scaled(value: float, base: int, names: Sequence[str]) -> str:
    at = 0
    while value >= base and at < len(names) - 1:
        value, at = value / base, at + 1
    return f"{value:.3g} {names[at]}"
