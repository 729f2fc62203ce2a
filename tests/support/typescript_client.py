"""The TypeScript client, compiled by its own compiler and run in Node."""

import asyncio
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.require import require

FOLDER = Path(__file__).resolve().parents[2] / "clients" / "typescript"
_TSC = FOLDER / "node_modules" / ".bin" / "tsc"
_RUNNER = Path(__file__).with_suffix(".mjs")
_FIRST_WITH_CRYPTO = 19
"""From this version of Node on, Web Crypto is there without a switch."""


@dataclass(frozen=True)
class TypeScriptClient:
    """The compiled client."""

    index: Path
    switches: tuple[str, ...]

    def complaints(self, text: str) -> str:
        """Check a program that uses the client, strictly; what the compiler says, nothing where it is right."""
        program = self.index.with_name("shop.ts")
        program.write_text(text.replace('"groupbuy-client"', '"./index.js"'), encoding="utf-8")
        options = "--noEmit --strict --target ES2022 --module NodeNext --lib ES2023,DOM".split()  # noqa: SIM905 - a line
        return subprocess.run([str(_TSC), *options, str(program)], capture_output=True, text=True, check=False).stdout

    async def run(self, **job: Any) -> dict[str, list[dict[str, Any]]]:
        """Give it a job; what came of each part of it."""
        process = await asyncio.create_subprocess_exec(
            *("node", *self.switches, str(_RUNNER), str(self.index)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(json.dumps(job).encode()), 60)
        assert (process.returncode, err.decode()) == (0, "")
        return dict(json.loads(out))


def compiled(folder: Path) -> TypeScriptClient:
    """Compile the client into a folder; a stated skip where there is no Node, a failure where it does not compile."""
    missing = None if shutil.which("node") and shutil.which("npm") else "the TypeScript client needs Node and npm"
    require("node", f"{missing} (on Debian and Ubuntu: apt install nodejs npm)" if missing else None)
    _install_compiler()
    done = subprocess.run(
        [str(_TSC), "--project", str(FOLDER), "--outDir", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"the TypeScript client does not compile:\n{done.stdout}{done.stderr}", pytrace=False)
    (folder / "package.json").write_text('{"type": "module"}')
    return TypeScriptClient(folder / "index.js", _switches())


def _install_compiler() -> None:
    record, lock = FOLDER / "node_modules" / ".package-lock.json", FOLDER / "package-lock.json"
    if not record.exists() or record.stat().st_mtime < lock.stat().st_mtime:
        install = ["npm", "install", "--no-save", "--ignore-scripts", "--silent"]
        subprocess.run(install, cwd=FOLDER, check=True)


def _switches() -> tuple[str, ...]:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    is_old = int(said[1:].split(".")[0]) < _FIRST_WITH_CRYPTO
    return ("--experimental-global-webcrypto",) if is_old else ()
