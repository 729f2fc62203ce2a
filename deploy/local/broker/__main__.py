"""Run the local broker in the foreground: `python -m deploy.local.broker --data DIR --port N`; SIGTERM stops it."""

import argparse
import asyncio
import logging
import resource
import signal
import sys
from pathlib import Path

import uvloop

from deploy.local.broker.run import running
from deploy.local.errors import LocalError


def main() -> int:
    """Exit code 0 after SIGTERM or SIGINT, 1 when the broker cannot start."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    _allow_many_files()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(arguments))
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.broker",
        description="A broker that speaks the Kafka protocol on this machine, for development and tests.",
    )
    parser.add_argument("--data", type=Path, required=True, help="directory of topics and groups; kept between runs")
    parser.add_argument("--port", type=int, default=7092, help="port to listen on; 0 takes a free one (default 7092)")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default 127.0.0.1)")
    parser.add_argument("--auto-create", action="store_true", help="create a topic when a client first asks for it")
    parser.add_argument("--partitions", type=int, default=4, help="partitions of a topic that names no number")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with running(
        arguments.data,
        host=arguments.host,
        port=arguments.port,
        partitions=arguments.partitions,
        auto_create=arguments.auto_create,
    ) as broker:
        print(f"The local broker, for development and tests, listens on {broker.host}:{broker.port}", flush=True)
        await stopping.wait()


def _allow_many_files() -> None:
    """Each client connection is a descriptor; the usual soft limit is lower than what the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536, hard))


if __name__ == "__main__":
    sys.exit(main())
