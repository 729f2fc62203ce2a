"""Reading the services' databases from the command line."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from deploy.local.errors import LocalError


@contextmanager
def databases_read() -> Iterator[None]:
    """Make what PostgreSQL says where it cannot be read a sentence with a remedy: LocalError."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise LocalError(
            f"The databases cannot be read: {str(error).strip().partition(chr(10))[0].rstrip('.')}.",
            "Does PostgreSQL run (groupbuy status), and did the services run on it before?",
        ) from None
