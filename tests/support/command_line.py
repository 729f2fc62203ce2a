"""An engine that is served, and the command line of a shop that calls it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

from deploy.cli import COMMANDS
from deploy.cli.group import LazyGroup
from tests.support.database import Database
from tests.support.engine import KEY, Engine, an_engine, listening

Run: TypeAlias = Callable[..., Coroutine[Any, Any, Result]]
"""Runs a command of `groupbuy` with its arguments."""


@asynccontextmanager
async def on_the_command_line(
    database: Database, monkeypatch: pytest.MonkeyPatch, data: Path
) -> AsyncIterator[tuple[Engine, Run]]:
    """Serve an engine, and name it in the environment."""
    async with an_engine(database) as engine, listening(engine) as addresses:
        for name, address in addresses.items():
            monkeypatch.setenv(f"GROUPBUY_{name.upper()}", address)
        monkeypatch.setenv("GROUPBUY_PLATFORM_KEY", KEY)

        async def run(*arguments: str) -> Result:
            group = LazyGroup(COMMANDS, name="groupbuy")
            return await asyncio.to_thread(CliRunner().invoke, group, [*arguments, "--data", str(data)])

        yield engine, run
