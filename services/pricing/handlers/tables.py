"""Price tables, remembered by a process: one that was committed never changes."""

from collections.abc import Iterable
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.pricing import store
from services.pricing.domain import PriceTable

Key: TypeAlias = tuple[UUID, UUID, int]
"""Platform, campaign, ladder version."""

_MOST = 1_000


class Tables:
    """Finds price tables, in memory first."""

    def __init__(self) -> None:
        self._known: dict[Key, PriceTable] = {}

    async def find(self, connection: AsyncConnection[TupleRow], keys: Iterable[Key]) -> dict[Key, PriceTable]:
        """Find the tables that are stored."""
        wanted = set(keys)
        found = {key: self._known[key] for key in wanted if key in self._known}
        if missing := sorted(wanted - found.keys()):
            loaded = await store.load_tables(connection, missing)
            self._remember(loaded)
            found |= loaded
        return found

    async def find_or_store(
        self, connection: AsyncConnection[TupleRow], tables: dict[Key, PriceTable]
    ) -> dict[Key, PriceTable]:
        """Find tables, and store those that are not there; what is stored under a key wins over what was given."""
        found = await self.find(connection, tables)
        # in one order, whoever stores them, as transactions that store the same ones wait for each other; of two that
        # claim a campaign's version the first one wins
        if missing := sorted((key for key in tables if key not in found), key=lambda key: key[1:]):
            await store.insert_tables(connection, [(key[0], key[1], tables[key]) for key in missing])
            # not remembered: this transaction may still be rolled back
            found |= await store.load_tables(connection, missing)
        return found

    def _remember(self, tables: dict[Key, PriceTable]) -> None:
        if len(self._known) + len(tables) > _MOST:
            self._known.clear()
        self._known |= tables
