"""The result of a run: build/bench.json for programs, a table for people."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.rounds import Figure, Results


@dataclass(frozen=True)
class Target:
    """What a ratio or figure is to reach: at least, or at most, a value."""

    value: float
    at_least: bool = True

    def reached(self, value: float) -> bool:
        """Tell whether a value reaches it."""
        return value >= self.value if self.at_least else value <= self.value

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.value:g}"


TARGETS = {
    "join_unary_to_echo": Target(0.8),
    "join_hot_to_spread": Target(0.9),
    "join_many_campaigns_to_spread": Target(0.5),
    "join_bulk_to_pgbench": Target(3),
    "join_bulk_hot_to_pgbench": Target(3),
    "join_batched_to_single": Target(5),
    "join_p99_to_allowance": Target(1, at_least=False),
    "expiry_to_bulk_join": Target(0.5),
    "relay_p99_to_kafka_rtt": Target(4, at_least=False),
    "relay_to_bulk_join": Target(1),
    "pricing_with_joins_spread": Target(1),
    "pricing_with_joins_hot": Target(1),
    "pricing_with_joins_campaign": Target(1),
    "pricing_alone_to_bulk_join": Target(0.5),
    "price_message_p99_to_allowance": Target(2.5, at_least=False),
    "replay_to_live": Target(3),
    "demand_lag_p99_s": Target(2, at_least=False),
    "settlement_to_bulk_join": Target(0.8),
    "settlement_100k_to_10k": Target(12, at_least=False),
    "settlement_memory_growth": Target(64, at_least=False),
    "join_auth_cpu": Target(1.1, at_least=False),
    "flood_delivered": Target(0.99),
    "flood_p99": Target(3, at_least=False),
    "page_to_hello": Target(0.5),
    "sse_kib_per_reader": Target(30, at_least=False),
    "sse_last_state": Target(1, at_least=False),
    "page_changing_p99_to_hello": Target(3, at_least=False),
    "webhook_to_floor": Target(0.7),
    "send_to_bare_client": Target(0.4),
    "slow_channel_p99": Target(1.5, at_least=False),
    "event_to_send_p99_ms": Target(1000, at_least=False),
    "fanout_with_joins": Target(1),
    "large_team_certain_memory_growth": Target(64, at_least=False),
    "large_team_formed_memory_growth": Target(64, at_least=False),
    "send_peak_memory": Target(200, at_least=False),
    "send_wide_peak_memory": Target(200, at_least=False),
    "watch_many_teams_last_state": Target(1, at_least=False),
    "watch_one_team_last_state": Target(1.5, at_least=False),
    "watch_many_teams_memory_per_stream": Target(40, at_least=False),
    "watch_one_team_memory_per_stream": Target(40, at_least=False),
}
"""From the issues; times and memory are absolute: seconds unless ms stands there, KiB a stream, else MiB."""


def document(results: Results, about: dict[str, Any]) -> dict[str, Any]:
    """Give what is written: `about` the run, then figures and ratios with the median of their rounds."""
    figures = {
        name: {"unit": figure.unit, "rounds": figure.rounds, "median": figure.median}
        for name, figure in results.figures.items()
    }
    ratios = {name: ratio.median for name, ratio in results.ratios.items()}
    rounds = {name: ratio.rounds for name, ratio in results.ratios.items()}
    return {**about, "figures": figures, "ratios": ratios, "ratio_rounds": rounds}


def write(path: Path, results: Results, about: dict[str, Any]) -> None:
    """Write the document."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document(results, about), indent=2) + "\n")


def show(console: Console, results: Results) -> None:
    """Print ratios with their targets, then figures."""
    table = Table("ratio", "median", "rounds", "target", "", title="Ratios, each taken within its round")
    for name, ratio in results.ratios.items():
        _row(table, name, ratio)
    if results.ratios:
        console.print(table)
    table = Table("figure", "median", "rounds", "target", "", title="Figures")
    for name, figure in results.figures.items():
        _row(table, name, figure)
    console.print(table)


def _row(table: Table, name: str, figure: Figure) -> None:
    target = TARGETS.get(name)
    mark = "" if target is None else "reached" if target.reached(figure.median) else "missed"
    value = f"{written(figure.median)} {figure.unit}".strip()
    table.add_row(name, value, "  ".join(map(written, figure.rounds)), str(target or ""), mark)


def written(value: float) -> str:
    """Write a number with as many digits as it deserves."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
