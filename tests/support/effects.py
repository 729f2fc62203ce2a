"""A handler whose effects can be counted in SQL, and that can be told to find events poisonous."""

from services.chassis.database import Database
from services.chassis.errors import Poison
from services.chassis.messages import Event
from services.chassis.work import Work


class Effects:
    """Each event applied is one row, in the order of application."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self.poison: set[tuple[str, int]] = set()

    async def create(self) -> None:
        """Make the table."""
        async with self._store.read() as connection:
            await connection.execute("CREATE TABLE effects (nth serial, key text NOT NULL, sequence bigint NOT NULL)")

    async def handle(self, work: Work, events: list[Event]) -> None:
        """Have an effect for each event, then find the poison among them."""
        async with work.connection.cursor() as cursor:
            await cursor.executemany("INSERT INTO effects (key, sequence) VALUES (%s, %s)", map(_named, events))
        for event in events:
            if _named(event) in self.poison:
                raise Poison(event.event_id, f"{event.record.key} cannot be")

    async def seen(self, prefix: str = "") -> list[tuple[str, int]]:
        """Key and sequence of each effect on keys that begin with a prefix, in order."""
        async with self._store.read() as connection:
            rows = await connection.execute(
                "SELECT key, sequence FROM effects WHERE starts_with(key, %s) ORDER BY nth", (prefix,)
            )
            return await rows.fetchall()


def _named(event: Event) -> tuple[str, int]:
    return event.record.key, event.sequence
