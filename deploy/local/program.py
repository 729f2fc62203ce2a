"""How the user calls this program: `groupbuy` where the shell finds it, else the path of the environment's own."""

import shlex
import shutil
import sys
from pathlib import Path

NAME = "groupbuy"


def called() -> str:
    """The words to type from here: `groupbuy`, or for instance `.venv/bin/groupbuy`."""
    ours = Path(sys.executable).parent / NAME
    found = shutil.which(NAME)
    if not ours.exists() or (found and Path(found).samefile(ours)):
        return NAME
    return shlex.quote(near(ours))


def near(path: Path) -> str:
    """Write a path from where the user stands, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
