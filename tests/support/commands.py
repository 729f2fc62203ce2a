"""Commands of `groupbuy` against a stack that runs, as an operator gives them."""

import asyncio
import os
import sys

from deploy.local.stack import Stack


async def groupbuy(stack: Stack, *words: str) -> str:
    """Run a command and give what it printed; AssertionError where it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GROUPBUY_")}
    ran = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "deploy.cli", *words, "--data", str(stack.layout.data)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await ran.communicate()
    assert ran.returncode == 0, output.decode()
    return output.decode()
