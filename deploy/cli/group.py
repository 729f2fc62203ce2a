"""A click group that imports a command only to run it, and tells users in one line what went wrong."""

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

DEBUG = "GROUPBUY_DEBUG"


@dataclass(frozen=True)
class Place:
    """Where a command lies: `attribute` of `module` is the click command, `summary` its line in the list."""

    module: str
    attribute: str
    summary: str


class LazyGroup(click.Group):
    """A group over a table of places.

    An error becomes one sentence and a remedy; GROUPBUY_DEBUG=1 shows where it arose.
    """

    def __init__(self, places: Mapping[str, Place], **settings: Any) -> None:
        super().__init__(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, **settings)
        self._places = places
        click.version_option(package_name="groupbuy", message="groupbuy %(version)s")(self)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature is click's
        """List the names in the order of the table."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # the signature is click's
        """Import a command; None if there is none of that name."""
        place = self._places.get(cmd_name)
        if place is None:
            return None
        command = getattr(importlib.import_module(place.module), place.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{place.module}:{place.attribute} is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # the signature is click's
        """List the commands with their summaries, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in self._places.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; any error that is not click's own is told as click tells errors."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get(DEBUG):
                raise
            raise click.ClickException(_words(error)) from None


def _words(error: Exception) -> str:
    """What to tell the user: errors made for users speak for themselves, others are named and said to be ours."""
    if type(error).__module__.partition(".")[0] in {"deploy", "services"}:
        return str(error)
    return f"{type(error).__name__}: {error}\nThis is a defect of groupbuy; {DEBUG}=1 shows where it arose."
