"""Reading several tables as of one moment."""

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


async def read_one_moment(connection: AsyncConnection[TupleRow]) -> None:
    """Let every statement of the transaction that has just begun read the same state of the database."""
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
