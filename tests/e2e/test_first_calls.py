"""The pages of first calls are true: their blocks, pasted one after the other, lead to what they tell."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from deploy.local.stack import Stack, StackOptions

ROOT = Path(__file__).resolve().parents[2]


def blocks(page: str) -> list[str]:
    """Read what is to be pasted."""
    return re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)


BLOCKS, HTTP_BLOCKS = blocks("first-calls.md"), blocks("http.md")
END = """
echo "SETTLED"
call $PRICES pricing.v1.Pricing/GetSettlement <<<"{\\"team_id\\": \\"$TEAM\\"}" | tr -d '\\n '
"""


async def test_the_pages_can_be_pasted_as_they_stand(tmp_path: Path) -> None:
    stack = Stack(StackOptions(data=tmp_path / "data"))
    await stack.start()
    try:
        result = _paste(tmp_path, stack)
        over_http = _paste_http(stack)
    finally:
        await stack.stop()
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    pages, settled = result.stdout.split("SETTLED")
    assert "TEAM_STATE_FORMED" in pages
    assert "from 2 on one unit costs 7.50 EUR" in pages
    assert re.findall(r'"to_keep":{"minor_units":"(\d+)"', settled) == ["750", "750"]
    _check_http(over_http)
    assert re.findall(r'"to_refund":{"minor_units":"(\d+)"', settled) == ["250"]


def _paste(folder: Path, stack: Stack) -> "subprocess.CompletedProcess[str]":
    """Run the blocks in one shell; the first, which says where the stack of `make up` is, names ours instead."""
    variables = {
        "KEY": stack.key,
        "TEAMS": stack.address("team_formation"),
        "PRICES": stack.address("pricing"),
        "MESSAGES": stack.address("notification"),
        "RUN": "1",
    }
    assert re.findall(r"^(\w+)=", BLOCKS[0], re.MULTILINE) == list(variables)
    stand_in = folder / "grpcurl"
    stand_in.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/support/grpcurl.py" "$@"\n')
    stand_in.chmod(0o755)
    return subprocess.run(
        ["bash", "-c", "".join(BLOCKS[1:]) + END],
        env={**os.environ, **variables, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _paste_http(stack: Stack) -> "subprocess.CompletedProcess[str]":
    variables = {
        "KEY": stack.key,
        "TEAMS": stack.http_url("team_formation"),
        "PRICES": stack.http_url("pricing"),
        "RUN": "1",
    }
    assert re.findall(r"^(\w+)=", HTTP_BLOCKS[0], re.MULTILINE) == list(variables)
    script = "echo; ".join(HTTP_BLOCKS[1:])
    return subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _check_http(result: "subprocess.CompletedProcess[str]") -> None:
    assert (result.returncode, result.stderr) == (0, "")
    opened, quotas, slip, unknown, described = [line for line in result.stdout.splitlines() if line]
    assert json.loads(opened)["team"]["state"] == "TEAM_STATE_FORMING"
    assert json.loads(quotas)["quotas"]
    page = (ROOT / "docs" / "http.md").read_text()
    assert slip[:120] in page
    shown = page[page.index("    {\n") : page.index("\n    }\n") + 7]
    assert json.loads(shown) == json.loads(unknown)
    assert int(described) > 10
