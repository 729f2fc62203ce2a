"""The unit of work: one transaction in which state is loaded, decided and saved, and what happened is told."""

from collections import Counter

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import outbox
from services.chassis.bursts import Burst
from services.chassis.messages import Message


class Work:
    """One transaction. Handlers load and save through `connection` and `tell` the facts; the chassis commits."""

    def __init__(self, connection: AsyncConnection[TupleRow], burst: Burst) -> None:
        self.connection = connection
        self._burst = burst
        self.calls: set[str] = set()
        """Channels that are called after the commit."""
        self._told: list[Message] = []
        self.written: Counter[str] = Counter()
        """What was written to the outbox, by the full name of the fact."""

    async def send(self) -> None:
        """Send the statements so far, so that the server works on them meanwhile; nothing is waited for."""
        await self._burst.send()

    def tell(self, message: Message) -> None:
        """Say what happened. It is published only if this transaction commits, in the order told."""
        self._told.append(message)

    def call(self, channel: str) -> None:
        """Have whoever listens to a channel, in any process, woken after the commit."""
        self.calls.add(channel)

    async def write_outbox(self) -> None:
        """Write what was told to the outbox; called once, after everything was saved."""
        if self._told:
            await outbox.append(self.connection, self._told)
            self.written.update(message.fact for message in self._told)
            self._told = []
            self.call(outbox.WAKE_CHANNEL)
