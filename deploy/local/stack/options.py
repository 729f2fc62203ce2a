"""What a user can choose about the local stack."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from deploy.local.addresses import checked_bootstrap, checked_database_url
from deploy.local.errors import LocalError

KafkaKind = Literal["local", "apache"]

LOOPBACK = "127.0.0.1"
_SECRETS = ("GROUPBUY_SERVICE_KEY", "GROUPBUY_INVITE_SECRET")


def default_data() -> Path:
    """Where the stack keeps its data unless told otherwise: $XDG_DATA_HOME/groupbuy, else ~/.local/share/groupbuy."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "groupbuy"


@dataclass(frozen=True)
class StackOptions:
    """Choices for one stack; `environment` is what its processes inherit, and where GROUPBUY_* variables are looked up.

    `ports` holds the ports that were asked for, by name (see ports.DEFAULTS); the others may move to a free one.
    `max_deaths` is how often a part may end by itself within 30 seconds before the stack gives up. `demand` runs the
    worker that counts live demand, too.
    """

    data: Path = field(default_factory=default_data)
    kafka: KafkaKind = "local"
    host: str = LOOPBACK
    ports: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    max_deaths: int = 5
    demand: bool = False

    @property
    def database_url(self) -> str | None:
        """A PostgreSQL server that is there already."""
        return self.environment.get("GROUPBUY_DATABASE_URL") or None

    @property
    def bootstrap(self) -> str | None:
        """A Kafka that is there already."""
        return self.environment.get("GROUPBUY_KAFKA") or None

    def checked(self) -> Self:
        """These options, or LocalError.

        Refused are addresses that cannot be one, and listening to the world with keys that nobody chose.
        """
        if self.database_url:
            checked_database_url(self.database_url)
        if self.bootstrap:
            checked_bootstrap(self.bootstrap)
        missing = [name for name in _SECRETS if not self.environment.get(name)]
        if missing and not _is_loopback(self.host):
            raise LocalError(
                f"The services would listen on {self.host}, which is not loopback, without keys: "
                f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
                "Set both to random text of 16 characters or more (openssl rand -hex 32), or leave out --host.",
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
