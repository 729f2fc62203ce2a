"""The examples of docs/clients.md do what they say, on a real server."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from services.chassis.errors import Rejected
from services.chassis.reasons import reasons
from tests.support.shaky import KEY, PLATFORM, ShakyServer
from tests.support.typescript_client import TypeScriptClient

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "clients.md").read_text(encoding="utf-8")
PROGRAM = """
const { takeASeat } = await import(process.argv[1]);
const given = JSON.parse(process.argv[2]);
console.log(JSON.stringify([await takeASeat(...given), await takeASeat(...given)]));
"""


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def full(server: ShakyServer) -> str:
    """Have the next call refused; the sentence for its buyer."""
    server.servicer.failing = [Rejected("TEAM_FULL", {"unpaid": 2, "maximum": 5})]
    return reasons()["TEAM_FULL"].buyer["es"]


async def test_the_example_in_python(shaky: ShakyServer) -> None:
    sentence = full(shaky)
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 - our own page
    given = (shaky.grpc, KEY, "r-1", "7sGk2mPq9XaB", "tom")
    assert await asyncio.to_thread(names["take_a_seat"], *given) == sentence
    assert await asyncio.to_thread(names["take_a_seat"], *given) == str(PLATFORM)


async def test_the_example_in_javascript(shaky: ShakyServer, client: TypeScriptClient, tmp_path: Path) -> None:
    sentence = full(shaky)
    module = tmp_path / "shop.mjs"
    module.write_text(block("js").replace('"groupbuy-client"', json.dumps(client.index.as_uri())), encoding="utf-8")
    given = json.dumps([shaky.http, KEY, "r-1", "7sGk2mPq9XaB", "tom"])
    process = await asyncio.create_subprocess_exec(
        *("node", *client.switches, "--input-type=module", "-e", PROGRAM, module.as_uri(), given),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    assert json.loads(out) == [sentence, str(PLATFORM)]
