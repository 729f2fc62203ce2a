"""Where invite codes lead, remembered by a process: it never changes, so a viral link is looked up once."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.chassis.database import Database
from services.team_formation import store
from services.team_formation.codes import hash_code

_MOST = 50_000


@dataclass(frozen=True, slots=True)
class Door:
    """What a code leads to. Whether it still does (revoked, expired, used up) is looked up with the join."""

    platform_id: UUID
    campaign_id: UUID
    team_id: UUID
    invite_id: UUID


class Doors:
    """Finds where codes lead."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Door] = {}

    async def find(self, platform_id: UUID, codes: Sequence[str]) -> dict[str, Door]:
        """Find where codes of a platform lead; those that are none, or another platform's, are left out."""
        return {code: door for code, door in (await self.open(codes)).items() if door.platform_id == platform_id}

    async def open(self, codes: Sequence[str]) -> dict[str, Door]:
        """Find where codes lead, whosever they are: a code is all that a visitor of a page has."""
        found = {code: self._known[code] for code in codes if code in self._known}
        hashes = {code: hash_code(code) for code in codes if code not in found}
        if wanted := {code_hash: code for code, code_hash in hashes.items() if code_hash}:
            async with self._database.read() as connection:
                rows = await (await store.find_doors(connection, wanted)).all()
            looked_up = {wanted[code_hash]: Door(*ids) for code_hash, *ids in rows}
            self._remember(looked_up)  # which may forget the others: they were taken before
            found |= looked_up
        return found

    def _remember(self, doors: dict[str, Door]) -> None:
        if len(self._known) + len(doors) > _MOST:
            self._known.clear()
        self._known |= doors
