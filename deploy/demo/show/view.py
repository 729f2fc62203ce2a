"""Two ways to show the story: plain lines, and a terminal with the team below them that changes as it does."""

from collections import deque
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from deploy.demo.show.picture import Picture
from deploy.demo.show.text import WIDTH, cut

_LATEST = 4


class View(Protocol):
    """Where the story goes."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Leave the terminal as it was."""

    def line(self, text: str = "") -> None:
        """Show one line for good."""

    def team(self, picture: Picture | None) -> None:
        """Show how the team stands now; None for no team."""

    def message(self, text: str) -> None:
        """Show that a message has arrived."""


class PlainView:
    """Lines and nothing else: for files, pipes and CI."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def start(self) -> None:
        """Nothing to prepare."""

    def stop(self) -> None:
        """Nothing to tidy up."""

    def line(self, text: str = "") -> None:
        """Write a line at once."""
        self._out.write(text.rstrip() + "\n")
        self._out.flush()

    def team(self, picture: Picture | None) -> None:
        """Show nothing: the lines of the story say how the team stands."""

    def message(self, text: str) -> None:
        """Show nothing: the lines of the story tell what arrived."""


class LiveView:
    """The lines scroll above a panel with seats, ladder, price and the latest messages."""

    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out, highlight=False, width=WIDTH)
        self._live = Live(console=self._console, transient=True, refresh_per_second=8)
        self._picture: Picture | None = None
        self._messages: deque[str] = deque(maxlen=_LATEST)

    def start(self) -> None:
        """Take the terminal."""
        self._live.start()

    def stop(self) -> None:
        """Give the terminal back, without the panel."""
        self._live.stop()

    def line(self, text: str = "") -> None:
        """Write a line above the panel."""
        self._console.print(Text(text.rstrip()), soft_wrap=True)

    def team(self, picture: Picture | None) -> None:
        """Change the panel."""
        self._picture = picture
        if picture is None:
            self._messages.clear()
        self._draw()

    def message(self, text: str) -> None:
        """Put a message into the panel."""
        self._messages.append(text)
        self._draw()

    def _draw(self) -> None:
        if self._picture is None:
            self._live.update(Text(""))
            return
        messages = [f"> {text}" for text in self._messages]
        rows = [self._picture.seats, self._picture.ladder, self._picture.price, *messages]
        team = Group(*(Text(cut(row, WIDTH - 4)) for row in rows))
        self._live.update(Panel(team, title="the team now", title_align="left", width=WIDTH))


class NoView:
    """Shows nothing: for scenes that are only played because another one continues them."""

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def line(self, text: str = "") -> None:
        """Leave it out."""

    def team(self, picture: Picture | None) -> None:
        """Leave it out."""

    def message(self, text: str) -> None:
        """Leave it out."""
