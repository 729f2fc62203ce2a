"""One thing that is watched: its latest state, and the readers who have seen it."""

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from services.team_formation.watch.turns import Turn

REST_SECONDS = 0.2

Key = TypeVar("Key")
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class State(Generic[Body]):
    """A thing as it stands, made once for all of its readers."""

    version: int
    body: Body
    final: bool
    """Nothing will change any more."""
    rest: float = REST_SECONDS
    """Seconds in which it is not loaded again, however often it changes."""
    again: float | None = None
    """Seconds after which it is loaded again, though nothing is heard of it."""
    turn: int = 0
    """Another number, another state of the same version: prices that the whole campaign moves; 0 where it does not."""

    def follows(self, version: int, turn: int) -> bool:
        """Tell whether it is news to who has seen a version and turn."""
        return self.version > version or (self.version == version and self.turn != turn)


class Topic(Generic[Key, Body]):
    """A thing of a platform, while it has readers."""

    __slots__ = ("key", "loading", "not_before", "parked", "platform_id", "readers", "state", "timer", "wanted_at")

    def __init__(self, platform_id: UUID, key: Key) -> None:
        self.platform_id = platform_id
        self.key = key
        self.state: State[Body] | None = None
        self.readers = 0
        self.parked: set[Turn] = set()
        """Readers who have seen the state."""
        self.loading: list[Turn] = []
        """Readers who wait for the next load."""
        self.not_before = 0.0
        """The loop's time before which it is not loaded again."""
        self.wanted_at = 0.0
        self.timer: asyncio.TimerHandle | None = None
        """Rings at `wanted_at`, when it is to be loaded."""

    @property
    def name(self) -> tuple[UUID, Key]:
        """What it is loaded by."""
        return self.platform_id, self.key

    def take_parked(self) -> set[Turn]:
        """Hand over the readers who have seen the state."""
        parked, self.parked = self.parked, set()
        return parked

    def settle(self, error: Exception | None = None) -> None:
        """Tell those who wait for a load that it is done, or that it failed."""
        waiting, self.loading = self.loading, []
        for turn in waiting:
            if turn.done():
                continue
            if error:
                turn.set_exception(error)
            else:
                turn.set_result(None)
