"""The files MP_verify_*.txt that platforms have set: WeChat reads an account's file before it trusts a host's pages.

Many platforms share one host, so each sets the file of its own account. WeChat makes the names, one for each account.
"""

import re
from uuid import UUID

import psycopg

from services.chassis import audit
from services.chassis.audit import Change
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected, invalid
from services.team_formation.store import wechat_files as shelf
from services.team_formation.store.wechat_files import FileRow
from services.team_formation.wechat.kept import Kept

MOST_FILES = 5
"""Of a platform: an account has one, and accounts change."""
FRESH_SECONDS = 5.0
_NAME = re.compile(r"MP_verify_[A-Za-z0-9]{16}\.txt")
_CONTENT = re.compile(r"[A-Za-z0-9]{16}")


class WeChatFiles:
    """Stores the files of platforms."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put(self, platform_id: UUID, name: str, content: str) -> FileRow:
        """Store a file; Rejected INVALID_ARGUMENT, WECHAT_FILE_TAKEN. The same again changes nothing."""
        _check(name, content)
        async with self._database.work() as work:
            await shelf.lock_files(work.connection, platform_id)
            files = {row.name: row for row in await shelf.list_files(work.connection, platform_id)}
            if name not in files and len(files) >= MOST_FILES:
                raise invalid("name", f"a platform has at most {MOST_FILES} files; delete one of them")
            row = FileRow(name, content, self._clock.now(platform_id))
            saved = await shelf.save_file(work.connection, platform_id, row)
            before = files.get(name)
            if saved and (before is None or before.content != content):
                states = ({"content": before.content} if before else None, {"content": content})
                change = Change(platform_id, "PutWeChatFile", f"wechat file {name}", *states)
                await audit.note(work.connection, self._clock.now(), change)
        if saved is None:
            raise Rejected("WECHAT_FILE_TAKEN", {"name": name})
        return saved

    async def delete(self, platform_id: UUID, name: str) -> None:
        """Forget a file; there may be none. Rejected INVALID_ARGUMENT."""
        if problems := _name_problems(name):
            raise Rejected("INVALID_ARGUMENT", fields=tuple(problems))
        async with self._database.work() as work:
            await shelf.lock_files(work.connection, platform_id)
            files = {row.name: row for row in await shelf.list_files(work.connection, platform_id)}
            await shelf.delete_file(work.connection, platform_id, name)
            if name in files:
                before = {"content": files[name].content}
                change = Change(platform_id, "DeleteWeChatFile", f"wechat file {name}", before)
                await audit.note(work.connection, self._clock.now(), change)

    async def of(self, platform_id: UUID) -> list[FileRow]:
        """List the files of a platform."""
        async with self._database.read() as connection:
            return await shelf.list_files(connection, platform_id)


class ServedFiles:
    """Finds files for those who visit the host; what was found is believed for a few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._contents: Kept[str, str | None] = Kept(self._find, lambda found: FRESH_SECONDS if found else 0)
        self._users: Kept[UUID, bool] = Kept(self._is_user, lambda _: FRESH_SECONDS)

    async def content(self, name: str) -> str | None:
        """Tell what a file says; None where there is none."""
        return await self._contents.of(name) if _NAME.fullmatch(name) else None

    async def are_set_by(self, platform_id: UUID) -> bool:
        """Tell whether a platform has set a file, which is what it does when it wants cards in WeChat.

        While the database is away it is as it was.
        """
        try:
            return await self._users.of(platform_id)
        except psycopg.Error:
            return bool(self._users.last(platform_id))

    async def _find(self, name: str) -> str | None:
        async with self._database.read() as connection:
            return await shelf.find_content(connection, name)

    async def _is_user(self, platform_id: UUID) -> bool:
        async with self._database.read() as connection:
            return await shelf.has_files(connection, platform_id)


def _check(name: str, content: str) -> None:
    problems = _name_problems(name)
    if not _CONTENT.fullmatch(content):
        what = "must be what is in the file: 16 letters or digits, without spaces and line breaks"
        problems.append(FieldViolation("content", what))
    if problems:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(problems))


def _name_problems(name: str) -> list[FieldViolation]:
    if _NAME.fullmatch(name):
        return []
    return [FieldViolation("name", "must be as WeChat made it: MP_verify_, 16 letters or digits, .txt")]
