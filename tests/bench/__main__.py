"""Runs the benchmark: `python -m tests.bench [PART...] [--rounds N] [--seconds S] [--relay-apart]`."""

import argparse
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import uvloop
from rich.console import Console

from deploy.local.errors import LocalError
from tests.bench.bench import Bench
from tests.bench.errors import BenchError
from tests.bench.installation import installation
from tests.bench.machine import commit, machine, versions
from tests.bench.parts import join
from tests.bench.paths import BUILD
from tests.bench.report import show, write

PARTS: dict[str, Callable[[Bench], Awaitable[None]]] = {"join": join.run}
FILE = BUILD / "bench.json"
APART = (("rpc", "timers"), ("relay",))


def main() -> int:
    """Exit code 0 when everything was measured, 1 when something made it worthless, 2 for a wrong command line."""
    options = _options()
    try:
        uvloop.run(_run(options))
    except (BenchError, LocalError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each measurement (default 4)")
    parser.add_argument("--relay-apart", action="store_true", help="run the relay in a process of its own")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    return options


async def _run(options: argparse.Namespace) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    began = time.monotonic()
    roles: Sequence[Sequence[str]] = APART if options.relay_apart else ((),)
    async with installation(roles) as whole:
        bench = Bench(whole, options.rounds, options.seconds)
        about = {"commit": commit(), "machine": machine(), "versions": await versions(whole.postgres.url)}
        about["options"] = {key: value for key, value in vars(options).items() if key != "parts"}
        for name in options.parts or PARTS:
            console.print(f"{time.monotonic() - began:5.0f} s  {name}")
            await PARTS[name](bench)
            write(FILE, bench.results, about)
    show(console, bench.results)
    with suppress(ValueError):
        console.print(f"{time.monotonic() - began:.0f} s; also in {FILE.relative_to(BUILD.parent)}")


if __name__ == "__main__":
    sys.exit(main())
