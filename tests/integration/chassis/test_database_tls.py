"""PostgreSQL over TLS: the address names the files, and each new connection reads them anew."""

from pathlib import Path

import psycopg
import pytest

from services.chassis.database import Database, database_url
from services.chassis.tls import Listening
from tests.support.authority import Authority, put, serial
from tests.support.database import Database as DatabaseOf
from tests.support.tls_front import TlsFront

ONE, TWO = Authority("one"), Authority("two")


async def test_a_service_reaches_postgresql_by_the_files_as_they_are(database: DatabaseOf, tmp_path: Path) -> None:
    server, client = ONE.write(tmp_path, "server"), ONE.write(tmp_path, "client")
    options = f"sslmode=verify-full&sslrootcert={client.authorities}&sslcert={client.certificate}&sslkey={client.key}"
    async with TlsFront(await database(""), Listening(server).context()).serving() as front:
        ours = Database(f"{front.url}?{options}")
        await ours.start()
        assert await ours.ready()
        async with ours.direct() as connection:
            await connection.execute("SELECT 1")
        assert {*front.came} == {serial(client)}
        ONE.write(tmp_path, "client")
        async with ours.direct() as connection:
            await connection.execute("SELECT 1")
        assert front.came[-1] == serial(client)
        put(client.authorities, TWO.pem)
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            async with ours.direct():
                pass
        await ours.stop()


def test_options_of_an_address_stay_with_each_services_database() -> None:
    url = database_url("postgresql://u:p@host:5432?sslmode=verify-full&sslrootcert=/tls/ca.pem", "pricing")
    assert url == "postgresql://u:p@host:5432/groupbuy_pricing?sslmode=verify-full&sslrootcert=/tls/ca.pem"
