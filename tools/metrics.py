"""Writes docs/metrics.md from the metrics that the services define.

.venv/bin/python tools/metrics.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from prometheus_client import Counter, Gauge, Histogram

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "metrics.md"

LABELS = {
    "action": "what a campaign's rule against abuse says: allow, flag or refuse",
    "channel": "a channel, by its name: email, slack, line and so on; empty where a message never came to one",
    "code": "how a call ended: the name of its gRPC status",
    "fact": "a kind of fact, as the event is named in proto/: SeatHeld, PriceChanged",
    "invariant": "an invariant, by the name of its file in deploy/check/sql",
    "limit": "a limit, by its name in docs/limits.md",
    "method": "an RPC, as /package.Service/Method",
    "outcome": "what became of something; the metric names the outcomes",
    "queue": "a queue of commands: teams, reports, members, outcomes, posts and the like",
    "reason": "a reason of docs/refusals.md",
    "signal": "a sign of abuse, as docs/abuse.md names it",
    "state": "a state; the metric names them",
    "timer": "a timer of a service, by its name in __main__.py",
    "topic": "a topic of proto/topics.toml",
    "version": "the version of the engine",
    "way": "a chat service in which words of people are answered",
}
"""Every label there is, and what its values come from: lists that code or data of the engine ends, never ids."""

HEAD = """\
# Metrics

Made by `.venv/bin/python tools/metrics.py` from `services/*/metrics.py`: do not edit.

Every process of a service tells these at `GET /metrics` of its `GROUPBUY_OPS_LISTEN`, in Prometheus' form, with those
of the process itself (`process_*`, `python_*`). Counters begin at 0 when a process starts. Whoever scrapes adds the
label `service` ([observability.md](observability.md)). No label holds an id: not of a member, a team, a campaign, a
platform or a key.
"""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is scraped."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    module: str
    bounds: tuple[float, ...] = ()
    """Of the buckets of a histogram."""

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which its numbers are scraped."""
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


@cache
def metrics() -> tuple[Metric, ...]:
    """List every metric of the services, in the order of the code."""
    return tuple(metric for module in modules() for metric in _of(module))


def modules() -> list[ModuleType]:
    """Import the modules that define metrics, the chassis' first."""
    return [
        import_module(f"services.{path.parent.name}.metrics") for path in sorted(ROOT.glob("services/*/metrics.py"))
    ]


def _of(module: ModuleType) -> Iterator[Metric]:
    for value in vars(module).values():
        if isinstance(value, Counter | Gauge | Histogram):
            [family] = value.describe()
            name = f"{family.name}_total" if isinstance(value, Counter) else family.name
            labels = tuple(value._labelnames)  # noqa: SLF001 - the library has no other way
            bounds = tuple(value._upper_bounds) if isinstance(value, Histogram) else ()  # noqa: SLF001
            yield Metric(name, family.type, labels, family.documentation, module.__name__, bounds)


def page() -> str:
    """Return the page as it should be."""
    parts = [HEAD, "## Labels\n", _table(("label", "values"), [(f"`{name}`", text) for name, text in LABELS.items()])]
    for module in modules():
        parts += [f"## {module.__name__.split('.')[1]}\n", f"{(module.__doc__ or '').strip()}\n"]
        rows = [
            (f"`{one.name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels), one.meaning)
            for one in metrics()
            if one.module == module.__name__
        ]
        parts.append(_table(("metric", "kind", "labels", "meaning"), rows))
    return "\n".join(parts)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = tuple(head)
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
