"""Keeps calls of chat services: many that come at once in one transaction, each once, and what they say sealed.

Most of what is said in a chat asks for nothing: then its id is kept, so that it is known again, and nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.chassis.database import Database
from services.team_formation.chats.apps import App
from services.team_formation.chats.calls import Calls
from services.team_formation.hooks.call import Event
from services.team_formation.hooks.reading.incoming import Incoming
from services.team_formation.store import chat_apps as shelf
from services.team_formation.store.chat_apps import CallRow

WAKE_CHANNEL = "hook_calls"
NOTHING = "SENT: nothing to answer"
"""The outcome of what asks for nothing."""

IsAsked = Callable[[Incoming | None], bool]
"""Tells whether there may be something to answer."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A call of an app whose events are to be kept."""

    app: App
    events: Sequence[Event]
    received_at: datetime


class Keeper:
    """Stores events; the same event again has no effect."""

    def __init__(self, database: Database, calls: Calls, is_asked: IsAsked) -> None:
        self._database = database
        self._calls = calls
        self._is_asked = is_asked

    async def decide(self, batch: Sequence[Kept]) -> Sequence[bool]:
        """Store a batch."""
        rows = {(call.app.app_id, event.event_id): self._row(call, event) for call in batch for event in call.events}
        async with self._database.work() as work:
            await shelf.keep_calls(work.connection, list(rows.values()))
        if any(row.due_at for row in rows.values()):
            self._database.wakes.ring(WAKE_CHANNEL)
        return [True] * len(batch)

    def _row(self, call: Kept, event: Event) -> CallRow:
        app, at = call.app, call.received_at
        row = CallRow(
            app_id=app.app_id,
            event_id=event.event_id,
            platform_id=app.platform_id,
            kind=event.kind,
            received_at=at,
            happened_at=(event.happened_at or at) if event.is_covered else at,  # what nothing covers says no time
            is_covered=event.is_covered,
            outcome=NOTHING,
        )
        if not self._is_asked(app.service.read(event.payload)):
            return row
        sealed = self._calls.sealed(app.app_id, event.event_id, event.payload)
        return replace(row, payload=sealed, due_at=at, outcome="")
