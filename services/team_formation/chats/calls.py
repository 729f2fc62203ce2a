"""What calls of chat services say, and what they have begun, sealed where it is kept."""

import json

from services.chassis.database import Database
from services.chassis.sealing import NotOpened, Sealer
from services.team_formation.store import chat_apps as shelf
from services.team_formation.store.chat_apps import DueCall


class Calls:
    """Seals and opens."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def sealed(self, app_id: str, event_id: str, payload: bytes) -> bytes:
        """Seal what a call says."""
        return self._sealer.seal(payload, _place("payload", app_id, event_id))

    def opened(self, call: DueCall) -> bytes | None:
        """Open what a call says; None where its key is gone."""
        return self._open("payload", call, call.payload)

    async def begin(self, call: DueCall, intent: dict[str, str]) -> None:
        """Note what a call is about to have done, so that whoever works it again says what came of that."""
        sealed = self._sealer.seal(json.dumps(intent).encode(), _place("intent", call.app_id, call.event_id))
        async with self._database.work() as work:
            await shelf.note_intent(work.connection, call, sealed)

    def begun(self, call: DueCall) -> dict[str, str] | None:
        """Give what a call has begun; None where that is nothing."""
        opened = self._open("intent", call, call.intent) if call.intent else None
        return {str(name): str(value) for name, value in json.loads(opened).items()} if opened else None

    def _open(self, what: str, call: DueCall, sealed: bytes) -> bytes | None:
        try:
            return self._sealer.open(sealed, _place(what, call.app_id, call.event_id))
        except NotOpened:
            return None


def _place(what: str, app_id: str, event_id: str) -> str:
    return f"hook_calls/{what}/{app_id}/{event_id}"
