"""The page of first calls is true: its blocks, pasted one after the other, lead to the settlement that it tells."""

import os
import re
import subprocess
import sys
from pathlib import Path

from deploy.local.stack import Stack, StackOptions

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "first-calls.md").read_text(), re.DOTALL)
END = """
echo "SETTLED"
call $PRICES pricing.v1.Pricing/GetSettlement <<<"{\\"team_id\\": \\"$TEAM\\"}" | tr -d '\\n '
"""


async def test_the_page_can_be_pasted_as_it_stands(tmp_path: Path) -> None:
    stack = Stack(StackOptions(data=tmp_path / "data"))
    await stack.start()
    try:
        result = _paste(tmp_path, stack)
    finally:
        await stack.stop()
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    pages, settled = result.stdout.split("SETTLED")
    assert "TEAM_STATE_FORMED" in pages
    assert "from 2 on one unit costs 7.50 EUR" in pages
    assert re.findall(r'"to_keep":{"minor_units":"(\d+)"', settled) == ["750", "750"]
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
