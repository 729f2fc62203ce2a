"""Makes an installed environment what an image carries: without what only builds read, compiled the same way each time.

    python finish.py FOLDER     a virtual environment

Compiled files are not checked against their sources at each start: nothing in an image changes. All are made here:
pip has imported some packages of the environment while it installed the others, and what that left says when.
"""

import compileall
import shutil
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

UNUSED = (
    "bin/activate*",
    "bin/Activate.ps1",
    "lib/python3*/site-packages/**/tests",
    "lib/python3*/site-packages/**/*.pyi",
    "lib/python3*/site-packages/**/*.pxd",
    "lib/python3*/site-packages/**/*.pyx",
    "lib/python3*/site-packages/**/*.c",
)
"""Patterns of files and folders that no process opens."""


def main(folder: Path) -> None:
    """Finish the environment in a folder."""
    for pattern in UNUSED:
        for path in list(folder.glob(pattern)):
            remove(path)
    compiled = compileall.compile_dir(
        folder / "lib", quiet=1, force=True, workers=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    )
    if not compiled:
        sys.exit("finish.py: something does not compile; the lines above name it")


def remove(path: Path) -> None:
    """Remove a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
