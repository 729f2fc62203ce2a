"""Platforms' templates in memory: read again where a change is noticed, so that a message costs no statement more."""

from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from services.chassis.database import Connection
from services.notification import store
from services.notification.domain import Templates

MOST_TEMPLATES = 300
"""In force for a platform, in all."""

_MOST_KEPT = 64


class OwnTemplates:
    """Keeps templates of the platforms used last, by the id of the change they are as of: what is kept is never old."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, Templates] = OrderedDict()

    async def of(self, connection: Connection, changes: Mapping[UUID, UUID]) -> dict[UUID, Templates]:
        """Give platforms' templates, asked for by platform with the id of the last change seen."""
        found = {one: self._kept[change] for one, change in changes.items() if change in self._kept}
        missing = sorted(changes.keys() - found.keys())
        if missing:
            for platform_id, (change_id, templates) in (await store.load_templates(connection, missing)).items():
                found[platform_id] = self._kept[change_id] = templates
        for change in changes.values():
            if change in self._kept:
                self._kept.move_to_end(change)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return found
