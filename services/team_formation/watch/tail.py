"""What changed since the last look, from the outbox: the cost follows what changed, not what is watched."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.database import Connection
from services.chassis.horizon import Horizon
from services.team_formation.store import find_turned
from services.team_formation.store.watching import find_told

_SLACK = timedelta(days=1)
SLACK_OF_TURNS = timedelta(minutes=1)


class Tail:
    """Follows the keys of events as they are committed.

    A position that is seen is no promise that all lower ones were (see horizon.py), so a look begins where the horizon
    was at the look before it; what is seen twice that way is told once.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: what happens until the next look is not followed."""
        self._horizon = Horizon()
        self._low: int | None = None
        self._told: dict[str, int] = {}

    def last_of(self, key: str) -> int:
        """Give the number of the last event of a key that the last look has told."""
        return self._told[key]

    async def look(self, connection: Connection) -> list[str] | None:
        """List the keys that have new events, in autocommit; None at the beginning, when anything may have changed."""
        # By the machine's time, as the outbox has it: partitions of older days are not looked into.
        floor = datetime.now(UTC) - _SLACK
        async with connection.pipeline():
            looked = await self._horizon.look(connection)
            asked = None if self._low is None else await find_told(connection, self._low, floor)
            [found] = await looked.all()
            hidden = self._horizon.advance(*found)
            told = dict(await asked.all()) if asked else None
        if told is None:
            self._low = self._horizon.safe if self._horizon.safe or not hidden else None
            return None
        fresh = [key for key, sequence in told.items() if self._told.get(key) != sequence]
        self._low, self._told = self._horizon.safe, told
        return fresh


class TurnedPrices:
    """Follows the campaigns whose tallies turn prices: one crossing is one entry, however many teams have the price.

    By the machines' time, and from a minute ago on, as clocks differ and a transaction commits after it was written.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._told: dict[UUID, datetime] | None = None

    async def look(self, connection: Connection) -> set[UUID]:
        """List the campaigns whose prices turned since the look before; none at the beginning, when all is read."""
        turned = dict(await (await find_turned(connection, self._clock.now() - SLACK_OF_TURNS)).all())
        told, self._told = self._told, turned
        return set() if told is None else {campaign for campaign, at in turned.items() if told.get(campaign) != at}
