"""Gives everybody that waits a turn: what cannot go on, or makes trouble, keeps no other waiting."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar
from uuid import UUID

from services.chassis import logs
from services.chassis.status import transient

Item = TypeVar("Item")

log = logs.logger(__name__)


class Turns(Generic[Item]):
    """Goes through what is found page by page, and on where the last page ended; an item names its own place."""

    def __init__(self, start: Item) -> None:
        """Name the place before all."""
        self._start = self._after = start

    async def take(
        self,
        find: Callable[[Item], Awaitable[Sequence[Item]]],
        page: int,
        work: Callable[[Sequence[Item]], Awaitable[int]],
    ) -> int:
        """Work on pages until something was done, at most one whole round; returns how much was done.

        `find` gives a page of what comes after a place, `page` items where there is more.
        """
        whole = self._after == self._start
        while True:
            items = await find(self._after)
            at_end = len(items) < page
            # before the work: where that is cut short, the next turn is the others'
            self._after = self._start if at_end else items[-1]
            done = await work(items)
            if done or (at_end and whole):
                return done
            whole = whole or at_end


async def apart(team_id: UUID, work: Awaitable[int], trouble: str) -> int:
    """Do a team's work; its own trouble is logged and is 0, that of the database or another service is raised."""
    try:
        return await work
    except Exception as error:
        if transient(error):
            raise
        log.error(trouble, team=str(team_id), why=f"{type(error).__name__}: {error}")  # noqa: TRY400 - again and again
        return 0
