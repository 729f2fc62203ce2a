"""The Mini Program of docs/examples, run in Node with WeChat stood in for."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.require import require
from tests.support.until import until

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "examples" / "mini-program"
INVITE = "pages/invite/index"
_STAND_IN = Path(__file__).with_suffix(".js")


def require_node() -> str:
    """Give the path of Node; a stated skip where there is none."""
    program = shutil.which("node")
    require("node", None if program else "the Mini Program runs in Node (on Debian and Ubuntu: apt install nodejs)")
    return program or ""


@dataclass
class MiniProgram:
    """A program that runs, and what it did."""

    process: asyncio.subprocess.Process
    events: list[dict[str, Any]] = field(default_factory=list)

    def all(self, kind: str) -> list[Any]:
        """List what happened of a kind: requested, aborted, redirected, navigated, data, answered, applied, pages."""
        return [event[kind] for event in self.events if kind in event]

    @property
    def data(self) -> Any:
        """What the page shows now."""
        shown = self.all("data")
        return shown[-1] if shown else {}

    async def do(self, command: str, **given: Any) -> None:
        """Give a command."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"command": command, **given}).encode() + b"\n")
        await self.process.stdin.drain()

    async def call(self, name: str, given: Any = None) -> Any:
        """Call what a page defines, as WeChat or a finger does, and give what it answers."""
        before = len(self.all("answered"))
        await self.do("call", name=name, given=given)
        await until(lambda: len(self.all("answered")) > before)
        return self.all("answered")[before]

    async def open(self, code: str = "", **options: str) -> None:
        """Open the invite's page."""
        await self.do("load", page=INVITE, options={**({"c": code} if code else {}), **options})
        await self.call("onShow")

    async def shows(self, **wanted: Any) -> Any:
        """Wait until the invite on the page has such values, and give it."""

        def matching() -> Any:
            invite = self.data.get("invite") or {}
            return invite if invite and all(invite[name] == value for name, value in wanted.items()) else None

        return await until(matching)

    async def read(self) -> None:
        """Note what happens, to the end."""
        assert self.process.stdout
        async for line in self.process.stdout:
            self.events.append(json.loads(line))


@asynccontextmanager
async def a_mini_program(base: str, **settings: str | int) -> AsyncIterator[MiniProgram]:
    """Start it with `base` as what links begin with; it fails the test in which it failed."""
    given = json.dumps({"language": "en", **settings})
    process = await asyncio.create_subprocess_exec(
        require_node(),
        str(_STAND_IN),
        str(FOLDER),
        base,
        given,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    program = MiniProgram(process)
    reading = asyncio.create_task(program.read())
    try:
        yield program
        await program.call("onUnload")
        await program.do("end")
        await asyncio.wait_for(process.wait(), 10)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
    assert process.stderr
    assert (process.returncode, (await process.stderr.read()).decode()) == (0, "")
