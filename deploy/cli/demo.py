"""groupbuy demo: the story in eighteen scenes on a fresh stack."""

import io
import os
import sys
from pathlib import Path
from typing import get_args

import click

from deploy.demo.errors import DemoError
from deploy.demo.run import Options, run_demo
from deploy.demo.scene import OURS, Scene, read_scenes
from deploy.demo.scene.table import nearest
from deploy.demo.show.text import WIDTH
from deploy.demo.show.view import LiveView, PlainView, View
from deploy.local.stack.options import KafkaKind

_LIVE_LINES = 16  # the panel takes nine


@click.command()
@click.option("--fast", is_flag=True, help="No pauses for reading.")
@click.option("--pause", is_flag=True, help="Wait for Enter between the scenes.")
@click.option("--only", metavar="SCENE", help="Show one scene: its number, or a part of its name.")
@click.option("--keep", is_flag=True, help="Leave the stack up at the end, and say how to talk to it.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write what was found and measured as data.")  # fmt: skip
@click.option("--scenes", "folder", type=click.Path(path_type=Path, exists=True), default=OURS, metavar="DIR",
              help="Play the scenes (*.toml) of this folder, or one file.")  # fmt: skip
@click.option("--kafka", type=click.Choice(get_args(KafkaKind)), default="local", show_default=True,
              help="The broker: our local one, or Apache Kafka (needs Java and Maven).")  # fmt: skip
@click.option("--plain", is_flag=True, help="Plain lines, also on a terminal.")
def demo(
    *, fast: bool, pause: bool, only: str | None, keep: bool, json_file: Path | None, folder: Path, kafka: KafkaKind,
    plain: bool,
) -> None:  # fmt: skip
    """Start a fresh stack and watch teams form, prices fall and messages arrive.

    Everything goes the real way: gRPC, PostgreSQL, Kafka, SMTP, HTTP. Exit code 1 if an invariant is violated or
    something is not as a scene expects. With GROUPBUY_KAFKA or GROUPBUY_DATABASE_URL set, those servers are used.
    """
    scenes = read_scenes(folder)
    shown = [_chosen(scenes, only)] if only else list(scenes.values())
    if json_file and not _can_be_written(json_file):
        raise DemoError(f"{json_file} cannot be written. Name another file with --json.")
    options = Options(scenes, shown, kafka, hurry=fast, pause=pause, keep=keep, json=json_file)
    if not run_demo(options, _view(plain=plain)):
        sys.exit(1)


def _can_be_written(path: Path) -> bool:
    return os.access(path if os.access(path, os.F_OK) else path.absolute().parent, os.W_OK)


def _chosen(scenes: dict[str, Scene], only: str) -> Scene:
    """Find a scene by its number in order, or a part of its name; DemoError if there is none."""
    if only.isdecimal() and 0 < int(only) <= len(scenes):
        return list(scenes.values())[int(only) - 1]
    found = [scene for name, scene in scenes.items() if only in name]
    if len(found) != 1:
        raise DemoError(f'--only: "{only}" is no scene. {nearest(only, scenes)}')
    return found[0]


def _view(*, plain: bool) -> View:
    """Choose the live view on a terminal, else plain lines; what the terminal cannot show becomes a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if plain or not sys.stdout.isatty():
        return PlainView(sys.stdout)
    size = os.get_terminal_size(sys.stdout.fileno())
    if 0 < size.columns < WIDTH or 0 < size.lines < _LIVE_LINES:
        click.echo(f"groupbuy: plain lines, for the live view takes a terminal of {WIDTH} x {_LIVE_LINES} or more.")
        return PlainView(sys.stdout)
    return LiveView(sys.stdout)
