"""Runs the benchmark: `python -m tests.bench [PART...] [--rounds N] [--seconds S] [--one-process]`."""

import argparse
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import uvloop
from rich.console import Console

from deploy.local.errors import LocalError
from tests.bench.backlog import until_empty
from tests.bench.bench import Bench
from tests.bench.errors import BenchError
from tests.bench.installation import installation
from tests.bench.machine import commit, machine, versions
from tests.bench.parts import (
    alone,
    arrivals,
    batching,
    beside,
    bulk,
    demand,
    event_to_send,
    expiry,
    fanout,
    flood,
    idle,
    join,
    join_auth,
    large_team,
    messages,
    page,
    page_readers,
    relay,
    replay,
    send,
    slow_channel,
    watch,
    webhook,
)
from tests.bench.paths import BUILD
from tests.bench.report import show, write

PARTS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "join": join.run,
    "batching": batching.run,
    "bulk": bulk.run,
    "arrivals": arrivals.run,
    "relay": relay.run,
    "watch": watch.run,
    "expiry": expiry.run,
    "beside": beside.run,
    "alone": alone.run,
    "messages": messages.run,
    "replay": replay.run,
    "demand": demand.run,
    "send": send.run,
    "slow_channel": slow_channel.run,
    "event_to_send": event_to_send.run,
    "fanout": fanout.run,
    "large_team": large_team.run,
    "idle": idle.run,
    "page": page.run,
    "page_readers": page_readers.run,
    "webhook": webhook.run,
    "join_auth": join_auth.run,
    "flood": flood.run,
}
GROUPS = {
    "pricing": ("beside", "alone", "messages", "replay", "demand"),
    "web": ("page", "page_readers", "webhook"),
    "platforms": ("join_auth", "flood"),
    "notification": ("send", "slow_channel", "event_to_send", "fanout", "large_team"),
}
"""Parts that are asked for by one name."""
FILE = BUILD / "bench.json"
CAMPAIGNS = 19
"""So many campaigns of their own do the parts need, and two more a round."""
IN_PRODUCTION = (("rpc", "timers"), ("relay",))
"""Python runs one thread at a time: a relay within the process that answers would take its turns from the callers."""


def main() -> int:
    """Exit code 0 when everything was measured, 1 when something made it worthless, 2 for a wrong command line."""
    options = _options()
    try:
        failed = uvloop.run(_run(options))
    except (BenchError, LocalError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return int(bool(failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each measurement (default 4)")
    parser.add_argument("--one-process", action="store_true", help="run the relay within the process that answers")
    options = parser.parse_args()
    options.parts = [part for name in options.parts for part in GROUPS.get(name, (name,))]
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join((*PARTS, *GROUPS))}")
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    return options


async def _run(options: argparse.Namespace) -> list[str]:
    """Run the parts asked for; gives those that failed."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    began = time.monotonic()

    def say(what: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:4.0f} s[/] {what}", highlight=False)

    roles: Sequence[Sequence[str]] = ((),) if options.one_process else IN_PRODUCTION
    async with installation(roles, CAMPAIGNS + 2 * options.rounds) as whole:
        bench = Bench(whole, options.rounds, options.seconds, say)
        about = {"commit": commit(), "machine": machine(), "versions": await versions(whole.postgres.url)}
        about["options"] = {key: value for key, value in vars(options).items() if key != "parts"}
        say("warming up")
        await warm_up(bench)
        failed = [name for name in options.parts or PARTS if not await _measured(name, bench, say)]
        write(FILE, bench.results, about)
    show(console, bench.results)
    console.print(f"{time.monotonic() - began:.0f} s; also in {FILE.relative_to(BUILD.parent)}")
    return failed


async def warm_up(bench: Bench) -> None:
    """Have everything run for a while: Java is slow at first, and so is the first use of every statement."""
    teams = await bench.spread()
    await bench.join(teams)
    await bench.join(teams, bench.whole.services["echo"].address, seconds=1)


async def _measured(name: str, bench: Bench, say: Callable[[str], None]) -> bool:
    """Run one part; False where something made it worthless, which is said. The others go on."""
    say(name)
    try:
        await until_empty(bench.whole.database)
        await PARTS[name](bench)
    except (BenchError, LocalError) as error:
        print(f"{name} measured nothing: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
