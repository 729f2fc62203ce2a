"""Become an unprivileged user, ask to die with the parent, then turn into the given program.

Run as `python -I -S leash.py PARENT_PID SIGNAL UID GID PROGRAM ARGS...`; UID and GID are `-` to stay who we are.
A program of its own, because code between fork and exec is unsafe in a parent that runs threads. The order matters:
Linux forgets the wish to die with the parent when a process changes its user.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _become(uid: str, gid: str) -> None:
    if uid == "-":
        return
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))


def _die_with(parent: int, signum: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Do the three steps; a failure is one line on standard error and exit code 1."""
    parent, signum, uid, gid, *argv = sys.argv[1:]
    try:
        _become(uid, gid)
        _die_with(int(parent), int(signum))
        os.execv(argv[0], argv)  # noqa: S606  # the program is the caller's, and no shell is wanted
    except OSError as error:
        sys.exit(f"{argv[0]}: cannot start as user {uid}: {error.strerror}")


if __name__ == "__main__":
    main()
