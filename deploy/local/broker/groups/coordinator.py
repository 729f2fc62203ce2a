"""All consumer groups of the broker with their positions, kept in one journal."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.groups.group import Group, State
from deploy.local.broker.groups.journal import Entry, Journal

_MAX_METADATA = 4096

Where = tuple[str, int]  # topic and partition


class Position(NamedTuple):
    """Up to where a group has read one partition: the next offset, and what the consumer noted with it."""

    offset: int
    metadata: str = ""


class Coordinator:
    """Groups by id."""

    def __init__(self, data: Path, clock: Callable[[], float]) -> None:
        """Reads the journal under `data`; `clock` gives seconds that never go back."""
        self.groups: dict[str, Group] = {}
        self._positions: dict[str, dict[Where, Position]] = {}
        self._clock = clock
        self._journal = Journal(data / "groups.jsonl", self._entries)
        for entry in self._journal.replay():
            self._replay(entry)

    def group(self, group_id: str) -> Group:
        """The group of that id, a new one where there is none. Raises Refused for an empty id."""
        if not group_id:
            raise Refused(ErrorCode.INVALID_GROUP_ID, "a group id must not be empty")
        found = self.groups.get(group_id)
        if found is None:
            found = self.groups[group_id] = Group(group_id, self._clock, self._settled)
        return found

    def positions(self, group_id: str) -> dict[Where, Position]:
        """What a group has committed; not to be changed."""
        return self._positions.get(group_id, {})

    def commit(self, group_id: str, positions: dict[Where, Position]) -> None:
        """Keep positions; the caller has checked that they may be committed. Raises Refused when the disk is full."""
        self.group(group_id)
        self._journal.append(_position_entries(group_id, positions))
        self._positions.setdefault(group_id, {}).update(positions)

    def forget(self, group_id: str, places: Iterable[Where]) -> None:
        """Delete single positions of a group."""
        kept = self._positions.get(group_id, {})
        gone = [place for place in places if kept.pop(place, None) is not None]
        self._journal.append({"group": group_id, "topic": topic, "partition": number} for topic, number in gone)

    def forget_topic(self, topic: str) -> None:
        """Delete all positions in a topic that was deleted: a new one of that name begins at its beginning."""
        for group_id, kept in self._positions.items():
            self.forget(group_id, [place for place in kept if place[0] == topic])

    def delete(self, group_id: str) -> None:
        """Delete a group without members, and its positions. Raises Refused."""
        group = self.groups.get(group_id)
        if group is None:
            raise Refused(ErrorCode.GROUP_ID_NOT_FOUND, f"there is no group {group_id}")
        if group.members:
            raise Refused(ErrorCode.NON_EMPTY_GROUP, f"group {group_id} has {len(group.members)} members")
        self._drop(group_id)
        self._journal.append([{"group": group_id, "deleted": True}])

    def tick(self) -> None:
        """Let time pass for every group; groups that nobody needs any more are forgotten."""
        for group in list(self.groups.values()):
            group.tick()
            if group.state is State.EMPTY and not group.promised and not self._positions.get(group.id):
                self._drop(group.id)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def _settled(self, group: Group) -> None:
        with contextlib.suppress(Refused):  # logged; after a restart its members would have to join again
            self._journal.append([{"group": group.id, "settled": group.to_json()}])

    def _drop(self, group_id: str) -> None:
        self.groups.pop(group_id, None)
        self._positions.pop(group_id, None)

    def _replay(self, entry: Entry) -> None:
        group_id = entry["group"]
        if "deleted" in entry:
            self._drop(group_id)
        elif "settled" in entry:
            self.group(group_id).restore(entry["settled"])
        else:
            self.group(group_id)
            self._replay_position(self._positions.setdefault(group_id, {}), entry)

    def _replay_position(self, kept: dict[Where, Position], entry: Entry) -> None:
        place = (entry["topic"], entry["partition"])
        if "offset" in entry:
            kept[place] = Position(entry["offset"], entry["metadata"])
        else:
            kept.pop(place, None)

    def _entries(self) -> Iterator[Entry]:
        for group_id, group in self.groups.items():
            if group.state in (State.STABLE, State.EMPTY):
                yield {"group": group_id, "settled": group.to_json()}
            yield from _position_entries(group_id, self._positions.get(group_id, {}))


def check_metadata(metadata: str | None) -> str:
    """The note that comes with a position; raises Refused when it is too long."""
    if metadata and len(metadata) > _MAX_METADATA:
        raise Refused(
            ErrorCode.OFFSET_METADATA_TOO_LARGE, f"the note on a position: at most {_MAX_METADATA} characters"
        )
    return metadata or ""


def _position_entries(group_id: str, positions: dict[Where, Position]) -> Iterator[Entry]:
    for (topic, number), position in positions.items():
        yield {
            "group": group_id,
            "topic": topic,
            "partition": number,
            "offset": position.offset,
            "metadata": position.metadata,
        }
