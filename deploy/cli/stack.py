"""groupbuy up, down, status, logs: the engine on this machine."""

import asyncio
import dataclasses
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import click

from deploy.local.errors import LocalError
from deploy.local.program import called
from deploy.local.stack.background import start_detached, stop_running
from deploy.local.stack.foreground import run_until_signal
from deploy.local.stack.kept import Kept
from deploy.local.stack.layout import Layout, log_path, run_path
from deploy.local.stack.logs import follow, tail
from deploy.local.stack.options import LOOPBACK, KafkaKind, StackOptions, default_data
from deploy.local.stack.ports import DEFAULTS
from deploy.local.stack.run import Run
from deploy.local.stack.stack import Stack
from deploy.local.stack.status import ask_status, table
from deploy.local.stack.summary import summary

_PARTS = ("team_formation", "pricing", "notification", "demand", "kafka", "postgres", "stack")

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="GROUPBUY_DATA",
    default=default_data,
    callback=lambda _context, _parameter, path: path.expanduser().absolute(),
    show_default="$XDG_DATA_HOME/groupbuy or ~/.local/share/groupbuy",
    help="Where the data, secrets and logs lie.",
)


@click.command()
@data_option
@click.option("--kafka", type=click.Choice(get_args(KafkaKind)), default="local", show_default=True,
              help="The broker: our local one, or Apache Kafka (needs Java and Maven).")  # fmt: skip
@click.option("--host", default=LOOPBACK, show_default=True, help="Where the gRPC listeners bind.")
@click.option("--port", "ports", multiple=True, metavar="NAME=PORT", callback=lambda _c, _p, words: parse_ports(words),
              help=f"A port that must be this one; others move if taken. Names: {', '.join(DEFAULTS)}.")  # fmt: skip
@click.option("--demand/--no-demand", default=True, show_default=True,
              help="Count live demand too; a process more, of about 100 MB.")  # fmt: skip
@click.option("--detach", "-d", is_flag=True, help="Give the terminal back when it is ready.")
@click.option("--quiet", "-q", is_flag=True, help="Do not print addresses and key when it is ready.")
@click.option("--verbose", "-v", is_flag=True, help="Print the seconds of each step.")
def up(data: Path, kafka: KafkaKind, host: str, ports: dict[str, int], **flags: bool) -> None:
    """Start PostgreSQL, a Kafka broker and the services; Ctrl-C stops them.

    With GROUPBUY_DATABASE_URL or GROUPBUY_KAFKA set, those servers are used and only what is missing is started.
    """
    options = StackOptions(data=data, kafka=kafka, host=host, ports=ports, demand=flags["demand"]).checked()
    if not flags["quiet"]:
        click.echo(f"groupbuy {version('groupbuy')}: starting PostgreSQL, Kafka and three services ...", err=True)
    if flags["detach"]:
        _up_detached(options)
        return
    stack = Stack(options, say=_say)

    def on_ready() -> None:
        if flags["quiet"]:
            _say(f"ready after {stack.ready_seconds:.1f} s")
        else:
            _print_ready(options, stack.ready_seconds or 0.0, "Ctrl-C stops everything.")
        if flags["verbose"]:
            click.echo("\n".join(f"  {seconds:6.2f} s  {step}" for step, seconds in stack.steps.items()))

    asyncio.run(run_until_signal(stack, on_ready, _say))


@click.command()
@data_option
def down(data: Path) -> None:
    """Stop the stack that runs on the data directory, wherever it was started."""
    if not asyncio.run(stop_running(data)):
        click.echo(f"No stack runs on {data}.")
        return
    click.echo("stopped")


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="The same as data.")
def status(data: Path, *, as_json: bool) -> None:
    """Show each part with address, process, health, memory; exit code 1 unless all is well."""
    answer = asyncio.run(ask_status(data))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(answer), indent=2))
    elif answer.pid is None:
        click.echo(f"No stack runs on {data}. Start one: {called()} up")
    else:
        click.echo("\n".join(table(answer)))
    sys.exit(0 if answer.well else 1)


@click.command()
@click.argument("part", required=False, metavar="[PART]", type=click.Choice(_PARTS))
@data_option
@click.option("--lines", "-n", type=click.IntRange(min=0), default=20, show_default=True, help="Lines of each log.")
@click.option("--follow", "-f", "follows", is_flag=True, help="Go on with what is written from now on.")
def logs(part: str | None, data: Path, lines: int, *, follows: bool) -> None:
    """Show the end of PART's log, or of every part's.

    Parts: team_formation, pricing, notification, demand, kafka, postgres; stack is what keeps them running.
    """
    paths = [log_path(data, name) for name in ([part] if part else _PARTS)]
    if not any(path.exists() for path in paths):
        raise LocalError(
            f"There is no log in {paths[0].parent}.", "Start a stack first (groupbuy up), or name its --data."
        )
    width = 0 if part else max(map(len, _PARTS))
    for path in paths:
        for line in tail(path, lines):
            click.echo(_prefixed(path, line, width))
    if follows:
        asyncio.run(_follow(paths, width))


def parse_ports(words: tuple[str, ...]) -> dict[str, int]:
    """Read NAME=PORT words; click.BadParameter names the one that is wrong."""
    ports = {}
    for word in words:
        name, _, number = word.partition("=")
        if name not in DEFAULTS:
            raise click.BadParameter(f"{word!r}: there is no listener {name!r}; there are {', '.join(DEFAULTS)}")
        if not number.isdecimal() or not 0 < int(number) < 65536:  # noqa: PLR2004  # the highest port
            raise click.BadParameter(f"{word!r}: the port must be a number from 1 to 65535")
        ports[name] = int(number)
    return ports


async def _follow(paths: list[Path], width: int) -> None:
    async for path, line in follow(paths):
        click.echo(_prefixed(path, line, width))


def _prefixed(path: Path, line: str, width: int) -> str:
    return f"{path.stem:{width}} | {line}" if width else line


def _up_detached(options: StackOptions) -> None:
    arguments = ["up", "--quiet", "--data", str(options.data), "--kafka", options.kafka, "--host", options.host]
    arguments += [word for name, port in options.ports.items() for word in ("--port", f"{name}={port}")]
    arguments.append("--demand" if options.demand else "--no-demand")
    Layout.of(options).make()
    run = asyncio.run(start_detached(options.data, arguments))
    _print_ready(options, run.ready_seconds or 0.0, f"{called()} down stops everything.")


def _print_ready(options: StackOptions, seconds: float, how_to_stop: str) -> None:
    layout = Layout.of(options)
    run, kept = Run.load(run_path(layout.data)), Kept.load(layout.kept)
    keys = dict(zip(("API key", "test key"), kept.platforms.get(layout.world, [])[1:], strict=False))
    for line in summary(version("groupbuy"), seconds, run.parts if run else [], layout.data, keys, how_to_stop):
        click.echo(line)
    sys.stdout.flush()


def _say(line: str) -> None:
    click.echo(f"groupbuy: {line}")
