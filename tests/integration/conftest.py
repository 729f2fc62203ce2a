"""What integration tests share: databases on a real PostgreSQL."""

from tests.support.database import database, database_server

__all__ = ["database", "database_server"]
