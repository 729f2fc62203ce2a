"""A Faust worker for tests: it keeps, by team, the highest sequence seen, and publishes each event with what it kept.

Run as `python -m tests.support.faust_counter BOOTSTRAP NAME DIRECTORY`; events come from the topic NAME as JSON
`{"team": ..., "sequence": ...}`, results go to NAME-results. A repeated event changes nothing in the table.
"""

import sys
from pathlib import Path
from typing import Any

import faust


class Joined(faust.Record, serializer="json"):
    """A join of a team; its sequences begin with 1."""

    team: str
    sequence: int


class Counted(faust.Record, serializer="json"):
    """A join, and the highest sequence that the table held before it."""

    team: str
    sequence: int
    kept: int


def build(bootstrap: str, name: str, directory: Path) -> faust.App:
    """The application: one agent, one table with a changelog topic."""
    app = faust.App(
        name,
        broker=f"kafka://{bootstrap}",
        datadir=directory,
        store="memory://",
        topic_partitions=2,
        topic_replication_factor=1,
        web_enabled=False,
        broker_session_timeout=10,
        broker_heartbeat_interval=1,
        consumer_auto_offset_reset="earliest",
    )
    events = app.topic(name, key_type=str, value_type=Joined)
    results = app.topic(f"{name}-results", key_type=str, value_type=Counted)
    sequences = app.Table("sequences", default=int, key_type=str, value_type=int)

    @app.agent(events)
    async def keep(joins: faust.StreamT[Any]) -> None:
        async for join in joins:
            kept = sequences[join.team]
            sequences[join.team] = max(kept, join.sequence)
            sent: Any = await results.send(key=join.team, value=Counted(join.team, join.sequence, kept))
            await sent

    return app


if __name__ == "__main__":
    bootstrap, name, directory = sys.argv[1:]
    application = build(bootstrap, name, Path(directory))
    sys.argv = ["faust", "worker", "--loglevel", "info", "--without-web"]
    application.main()
