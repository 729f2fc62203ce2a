"""Keeps to what services allow in a second: each delivery of an account gets its turn, in the order they are claimed.

A turn that is far off is waited for in the database, not in a slot that others could use: the delivery is given back
until then, and its turn is remembered. Each process keeps time by itself; where several together are too fast, the
service says so, and the account rests (domain/sending.py).
"""

from datetime import datetime, timedelta
from uuid import UUID

from services.notification.store import AccountKey

_SOON = timedelta(seconds=1)
"""A turn that is no further off is waited for where the delivery is."""


class Turns:
    """Gives out turns."""

    def __init__(self) -> None:
        self._free: dict[AccountKey, datetime] = {}
        """From when on an account has a turn."""
        self._given: dict[UUID, datetime] = {}

    def take(self, account: AccountKey, delivery_id: UUID, per_second: float, now: datetime) -> datetime:
        """Give a delivery its turn: the one it was promised, else the account's next."""
        given = self._given.get(delivery_id)
        if given is None or given < now - _SOON:  # one that is past was missed, while the account rested, by many
            given = max(self._free.get(account, now), now)
            self._free[account] = given + timedelta(seconds=1 / per_second)
        if given - now > _SOON:
            self._given[delivery_id] = given
        else:
            self._given.pop(delivery_id, None)
        return given

    def forget(self, now: datetime) -> None:
        """Forget turns that nobody came for, and accounts that nobody waits for."""
        late = now - timedelta(minutes=1)
        self._given = {one: at for one, at in self._given.items() if at > late}
        self._free = {account: at for account, at in self._free.items() if at > now}


def is_far(turn: datetime, now: datetime) -> bool:
    """Tell whether a turn is to be waited for in the database."""
    return turn - now > _SOON
