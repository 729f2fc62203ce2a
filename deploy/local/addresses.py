"""Addresses of servers that are there already, as variables name them: a wrong one is told with its remedy."""

from urllib.parse import urlsplit

from deploy.local.errors import LocalError


def checked_database_url(url: str, variable: str = "GROUPBUY_DATABASE_URL") -> str:
    """Give `url` back; LocalError, without its password, if it is no address of PostgreSQL."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not (parts.netloc or parts.query):
        raise LocalError(
            f"{variable} is not the address of a PostgreSQL server.",
            "Write it as postgresql://USER:PASSWORD@HOST:PORT, special characters of the password as %XX.",
        )
    return url


def checked_bootstrap(bootstrap: str) -> str:
    """Give `bootstrap` back; LocalError unless it is host:port, or several with commas."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdecimal():
            raise LocalError(
                f"GROUPBUY_KAFKA names {address.strip()!r}, which is not host:port.",
                "Write it as HOST:PORT, several with commas, for instance 127.0.0.1:9092.",
            )
    return bootstrap
