"""What the tests of clients share: a server that fails as often as a test says, and the compiled client."""

from collections.abc import AsyncIterator

import pytest

from services.chassis.database import Database
from tests.support.database import Database as MakeDatabase
from tests.support.shaky import ShakyServer, a_shaky_server
from tests.support.typescript_client import TypeScriptClient, compiled


@pytest.fixture
async def shaky(database: MakeDatabase) -> AsyncIterator[ShakyServer]:
    """Give that server, on a database of its own."""
    store = Database(await database("chassis"))
    await store.start()
    async with a_shaky_server(store) as server:
        yield server
    await store.stop()


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> TypeScriptClient:
    """Give the client of TypeScript, compiled."""
    return compiled(tmp_path_factory.mktemp("typescript-client"))
