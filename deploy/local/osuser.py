"""Which operating system user runs a server that refuses to be root, and which folders that user can reach."""

import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from deploy.local.errors import LocalError

_ROOT = 0
_Key = TypeVar("_Key", int, str)


@dataclass(frozen=True)
class OsUser:
    """A user of this machine by name and numbers."""

    name: str
    uid: int
    gid: int


def unprivileged(owned: Path) -> OsUser | None:
    """The user to step down to: None unless we are root, the owner of `owned` if it exists, else `nobody`.

    `nobody` exists on every Unix, so nothing is added to the system.
    """
    if os.geteuid() != _ROOT:
        return None
    if owned.exists() and (owner := owned.stat().st_uid) != _ROOT:
        return _known(pwd.getpwuid, owner)
    return _known(pwd.getpwnam, "nobody")


def reaches(user: OsUser, path: Path) -> bool:
    """Whether `user` may enter every folder above `path`, judged by the permission bits."""
    return all(_may_enter(user, folder) for folder in path.resolve().parents)


def _may_enter(user: OsUser, folder: Path) -> bool:
    status = folder.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _known(find: Callable[[_Key], pwd.struct_passwd], key: _Key) -> OsUser:
    try:
        entry = find(key)
    except KeyError:
        raise LocalError(
            f"PostgreSQL refuses to run as root, and this machine has no user {key!r} to run it.",
            "Run groupbuy as an ordinary user, or set GROUPBUY_DATABASE_URL to a PostgreSQL server.",
        ) from None
    return OsUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
