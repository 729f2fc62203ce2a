"""Dashboards as Grafana reads them: a board has rows of panels, and a panel what it asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

SCHEMA = 41
"""Of Grafana 12.0; later ones read it too."""
WIDE = 24
ROW_HEIGHT = 1

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """What a panel asks Prometheus, and what its lines are called: labels in double braces."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Sql:
    """What a panel asks a service's PostgreSQL; a time series has a column `time`."""

    statement: str
    table: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: its kind is timeseries, stat or table."""

    title: str
    asks: Sequence[Query | Sql]
    unit: str = "short"
    kind: str = "timeseries"
    meaning: str = ""
    width: int = 8
    height: int = 7
    good_below: float | None = None
    """Red from here on."""
    good_above: float | None = None
    """Red below it."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; `uid` is its address in Grafana and never changes."""

    uid: str
    title: str
    meaning: str
    rows: Sequence[Row]
    database: str = ""
    """The service whose PostgreSQL it asks; Prometheus where there is none."""
    choices: Sequence[Json] = field(default=())
    """Variables besides the data source."""

    def json(self) -> Json:
        """Write it as Grafana imports it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.meaning,
            "tags": ["groupbuy"],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "10s" if not self.database else "5s",
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "links": [{"type": "dashboards", "tags": ["groupbuy"], "asDropdown": True, "title": "groupbuy"}],
            "annotations": {"list": []},
            "templating": {"list": [_source(self.database), *self.choices]},
            "panels": list(self._panels()),
        }

    def _panels(self) -> Iterator[Json]:
        ids, top = count(1), 0
        for row in self.rows:
            place = {"h": ROW_HEIGHT, "w": WIDE, "x": 0, "y": top}
            yield {
                "id": next(ids),
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": place,
                "panels": [],
            }
            top += ROW_HEIGHT
            left = height = 0
            for panel in row.panels:
                if left + panel.width > WIDE:
                    top, left, height = top + height, 0, 0
                place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
                yield {"id": next(ids), "gridPos": place, **_panel(panel, self.database)}
                left, height = left + panel.width, max(height, panel.height)
            top += height


def _source(database: str) -> Json:
    kind = "grafana-postgresql-datasource" if database else "prometheus"
    label = f"PostgreSQL of {database}" if database else "Prometheus"
    return {"name": "source", "type": "datasource", "query": kind, "label": label, "hide": 0, "current": {}}


def source(database: str) -> Json:
    """Name the data source that is chosen on the board."""
    return {"type": "grafana-postgresql-datasource" if database else "prometheus", "uid": "${source}"}


def _panel(panel: Panel, database: str) -> Json:
    defaults: Json = {"unit": panel.unit, "thresholds": _thresholds(panel)}
    if panel.kind == "timeseries":
        defaults["custom"] = {"fillOpacity": 8, "lineWidth": 1, "showPoints": "never"}
        defaults["min"] = 0
    written: Json = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": source(database),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel.kind),
        "targets": [
            _target(letter, ask, panel.kind, database) for letter, ask in zip("ABCDEF", panel.asks, strict=False)
        ],
    }
    return written


def _thresholds(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.good_below is not None:
        steps.append({"color": "red", "value": panel.good_below})
    if panel.good_above is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel.good_above}]
    return {"mode": "absolute", "steps": steps}


def _options(kind: str) -> Json:
    if kind == "timeseries":
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "area",
        }
    return {"showHeader": True}


def _target(letter: str, ask: Query | Sql, kind: str, database: str) -> Json:
    target: Json = {"refId": letter, "datasource": source(database)}
    if isinstance(ask, Query):
        return {**target, "expr": ask.expression, "legendFormat": ask.legend or "__auto", "range": True}
    wanted = "table" if ask.table or kind in {"stat", "table"} else "time_series"
    return {**target, "rawSql": ask.statement, "rawQuery": True, "format": wanted, "editorMode": "code"}
