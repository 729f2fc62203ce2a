"""Tells the story at a pace that people can read."""

import asyncio
import sys
from collections.abc import Iterable

from rich.cells import cell_len

from deploy.demo.show.text import WIDTH, cut, fill, wrap
from deploy.demo.show.view import View

_SECONDS_PER_WORD = 0.08
WHERE = 22
"""Columns for where an effect was seen."""

_WHAT = 44
_HEAD = WIDTH - 6
_BAR = "    | "


class Stage:
    """A view with pauses for reading; in a hurry without any."""

    def __init__(self, view: View, *, hurry: bool) -> None:
        self.view = view
        self.hurry = hurry

    def head(self, text: str) -> None:
        """Begin a part."""
        self.view.line()
        head = f"== {text if cell_len(text) <= _HEAD else cut(text, _HEAD)} "
        self.view.line(head + "=" * (WIDTH - cell_len(head)))

    def text(self, text: str, indent: str = "") -> None:
        """Show a text in lines of 80 columns."""
        for line in wrap(text, WIDTH - len(indent)):
            self.view.line(indent + line)

    async def say(self, text: str, indent: str = "", *, pace: float = 1.0) -> None:
        """Tell something, and leave time to read it: `pace` 1 for prose, less for what may be skimmed."""
        self.text(text, indent)
        await self.beat(len(text.split()) * _SECONDS_PER_WORD * pace)

    def quote(self, lines: Iterable[str]) -> None:
        """Show a text word for word, behind a bar; lines that are too long are broken."""
        for text in lines:
            for line in wrap(text, WIDTH - len(_BAR)) or [""]:
                self.view.line(f"{_BAR}{line}")

    async def step(self, text: str) -> None:
        """Say what is done next."""
        self.view.line()
        self.view.line(cut(f"> {text}", WIDTH))
        await self.beat(0.4)

    def effect(self, milliseconds: float, what: str, where: str) -> None:
        """Show one effect with its delay."""
        self.view.line(f"{milliseconds:7,.0f} ms  {fill(what, _WHAT)}  {cut(where, WHERE)}")

    async def beat(self, seconds: float) -> None:
        """Leave time to read."""
        if not self.hurry:
            await asyncio.sleep(seconds)

    async def enter(self) -> None:
        """Wait for the Enter key."""
        self.view.line()
        self.view.line("-- Enter goes on --")
        loop, pressed = asyncio.get_running_loop(), asyncio.Event()

        def on_input() -> None:
            sys.stdin.readline()
            pressed.set()

        try:
            loop.add_reader(sys.stdin, on_input)
        except (OSError, ValueError):
            return  # a file or no input at all: nobody is there to press it
        try:
            await pressed.wait()
        finally:
            loop.remove_reader(sys.stdin)
