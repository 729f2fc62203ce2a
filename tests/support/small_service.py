"""A process of the chassis with three parts, for tests of how it starts and ends: `small_service.py MANNER`."""

import asyncio
import sys

from services.chassis import logs
from services.chassis.errors import Stop
from services.chassis.runner import Part, main, run_parts
from services.chassis.settings import SettingsError

FAILURES: dict[str, Exception] = {
    "settings": SettingsError("GROUPBUY_LISTEN is not set."),
    "port": OSError("cannot listen on 127.0.0.1:7101"),
    "stop": Stop("101 keys are parked"),
    "fault": KeyError("inside"),
}


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - its parent reads it


def part(name: str, manner: str = "") -> Part:
    """Make a part that says what happens to it."""

    async def start() -> None:
        say(f"start {name}")

    async def run() -> None:
        say(f"run {name}")
        if manner in FAILURES:
            raise FAILURES[manner]
        if manner == "ends":
            return
        try:
            await asyncio.Event().wait()
        finally:
            say(f"end {name}")

    async def stop() -> None:
        say(f"stop {name}")
        if manner == "stubborn":
            raise KeyError(name)

    return Part(name, start=start, run=run, stop=stop)


async def process() -> None:
    """Run the parts; the middle one has the manner."""
    logs.configure("small", "json", "info")
    await run_parts([part("a"), part("b", sys.argv[1]), part("c")])


if __name__ == "__main__":
    main(process)
