"""Run Apache Kafka in the foreground: `python -m deploy.local.kafka --data DIR --port N`; SIGTERM stops it."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.kafka.jars import available, version
from deploy.local.kafka.node import ApacheKafka


def main() -> int:
    """Exit code 0 after SIGTERM or SIGINT, 1 when Kafka cannot be had, cannot start, or ends by itself."""
    reason = available()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    arguments = _arguments()
    try:
        return asyncio.run(_serve(ApacheKafka(arguments.data, port=arguments.port, partitions=arguments.partitions)))
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.kafka", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory of the broker's data; kept between runs")
    parser.add_argument("--port", type=int, default=7092, help="port on 127.0.0.1; 0 takes a free one (default 7092)")
    parser.add_argument("--partitions", type=int, default=4, help="partitions of a topic that names no number")
    return parser.parse_args()


async def _serve(node: ApacheKafka) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    starting = asyncio.create_task(node.start())
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set():
            return 0
        await starting
        print(f"Apache Kafka {version()} listens on {node.bootstrap}", flush=True)
        return await _until_over(node, stopped)
    finally:
        starting.cancel()
        await node.stop()


async def _until_over(node: ApacheKafka, stopped: "asyncio.Task[bool]") -> int:
    ended = asyncio.create_task(node.ended())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        ended.cancel()
        return 0
    print(f"Apache Kafka ended by itself with code {ended.result()}: see {node.log}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
