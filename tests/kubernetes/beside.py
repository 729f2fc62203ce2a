"""PostgreSQL and Apache Kafka beside the cluster, as pods reach them: at the server's address."""

from pathlib import Path

import psycopg

from deploy.local.kafka import ApacheKafka
from deploy.local.postgres import LocalPostgres
from tests.kubernetes.addresses import DATABASE_PORT, KAFKA_PORT, POD_RANGE, SERVER

USER = "groupbuy"
"""The name and the password that the overlay `local` has for the services."""
_ALLOWED = (POD_RANGE, f"{SERVER}/32")


class Beside:
    """The servers that an installation is given, not part of it."""

    def __init__(self, run: Path) -> None:
        self._data = run / "postgres"
        self.postgres = LocalPostgres(self._data, DATABASE_PORT, host=SERVER, durable=False)
        self.kafka = ApacheKafka(run / "kafka", port=KAFKA_PORT, host=SERVER)

    async def start(self) -> None:
        """Start both, PostgreSQL with a word that lets pods in."""
        first = LocalPostgres(self._data, DATABASE_PORT, durable=False)
        await first.start()
        await first.stop()
        with (self._data / "cluster" / "pg_hba.conf").open("a") as rules:
            rules.writelines(f"host all all {addresses} scram-sha-256\n" for addresses in _ALLOWED)
        await self.postgres.start()
        async with await psycopg.AsyncConnection.connect(self.postgres.url, autocommit=True) as connection:
            await connection.execute(f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{USER}'")
        await self.kafka.start()

    async def stop(self) -> None:
        """Stop both."""
        await self.kafka.stop()
        await self.postgres.stop()

    @property
    def url(self) -> str:
        """The server's address as the services have it."""
        return f"postgresql://{USER}:{USER}@{SERVER}:{DATABASE_PORT}"

    async def connections(self) -> int:
        """Count the connections that PostgreSQL has."""
        async with await psycopg.AsyncConnection.connect(self.postgres.url) as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            row = await (await connection.execute(query)).fetchone()
        return int(row[0]) if row else 0
