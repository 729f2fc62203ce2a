"""Settings of a process, read from environment variables once, at its start."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from services.chassis.environment import PREFIX
from services.chassis.sealing import Sealer
from services.chassis.signing import KeyRing
from services.chassis.tls_settings import TlsSettings
from services.chassis.trace_settings import TraceSettings

_LAST_PORT = 65_535
SHORTEST_KEY = 16
_LIMIT = "limit_"


class SettingsError(Exception):
    """A setting is missing or wrong; the text names the variable and the remedy, one line for each."""


def split_address(address: str) -> tuple[str, int]:
    """Split "host:port" (or "[::1]:port"); ValueError where it is not of that form."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or not 0 <= int(port) <= _LAST_PORT:
        raise ValueError("must be host:port, for instance 127.0.0.1:7101")
    return host.strip("[]"), int(port)


def _checked(address: str) -> str:
    split_address(address)
    return address


Address = Annotated[str, AfterValidator(_checked)]


def _addresses(text: str) -> str:
    for address in text.split(","):
        split_address(address)
    return text


def _server(url: str) -> str:
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("must begin with postgresql://")
    return url


def _signing_keys(keys: SecretStr) -> SecretStr:
    KeyRing.read_optional(keys.get_secret_value())
    return keys


def _sealing_keys(keys: SecretStr) -> SecretStr:
    if keys.get_secret_value():
        Sealer.read(keys.get_secret_value())
    return keys


Addresses = Annotated[str, AfterValidator(_addresses)]
Server = Annotated[str, AfterValidator(_server)]
SigningKeys = Annotated[SecretStr, AfterValidator(_signing_keys)]
"""Keys that sign, as KeyRing reads them; may be empty."""
SealingKeys = Annotated[SecretStr, AfterValidator(_sealing_keys)]
"""Keys that seal, as Sealer reads them; may be empty."""


def is_loopback(address: str) -> bool:
    """Tell whether "host:port" can be reached from this machine only."""
    host, _ = split_address(address)
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class ChassisSettings(TlsSettings, TraceSettings):
    """What every service needs; each service adds its own fields."""

    database_url: Server = Field(
        description="PostgreSQL server, for instance postgresql://user:password@host:5432; the database is added."
    )
    database_direct_url: Server | None = Field(
        None, description="The same server past a pooler, for session locks, LISTEN and migrations."
    )
    database_pool: int = Field(8, ge=2, le=200, description="Most connections of this process.")
    database_prepare: bool = Field(
        default=True, description="Whether statements are prepared; off for a pooler that cannot."
    )
    kafka: Addresses = Field(description="Bootstrap servers of Kafka, host:port, comma separated.")
    listen: Address = Field(description="Where gRPC listens, host:port.")
    http_listen: Address | None = Field(
        None, description="Where the same calls are answered as JSON over HTTP, host:port; nowhere where it is not set."
    )
    ops_listen: Address = Field(description="Where health and metrics listen over HTTP, host:port.")
    service_key: SecretStr = Field(
        SecretStr(""), description="Shared secret of the services' own calls; at least 16 characters off loopback."
    )
    log_format: Literal["json", "text"] = Field("json", description="json, or text for people.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is written."
    )
    drain_seconds: float = Field(
        10.0, ge=0, le=300, description="How long calls under way may take to finish at SIGTERM, in seconds."
    )
    connection_seconds: int = Field(
        300,
        ge=0,
        le=86_400,
        description="After so long a gRPC client is asked to connect anew, without harm to its calls, so that processes"
        " that were added get their share; 0: never.",
    )
    limit_requests_per_second: int = Field(
        10_000, ge=1, description="Calls a second that a platform may make; `groupbuy platform limits` sets another."
    )
    limit_key_requests_per_second: int = Field(10_000, ge=1, description="The same for each key of a platform.")
    limit_streams: int = Field(20_000, ge=1, description="Streams that a platform may have open.")
    limit_key_streams: int = Field(20_000, ge=1, description="The same for each key of a platform.")
    rpc_replicas: int = Field(
        1,
        ge=1,
        le=1000,
        description="Processes that share each platform's calls evenly, so that each allows its part of rates and"
        " streams. With 1 each process allows the whole.",
    )
    max_parked_keys: int = Field(100, ge=1, description="More parked keys than this stop the consumer.")
    keep_requests_days: int = Field(
        30, ge=7, le=3650, description="How long stored answers to calls are kept, in days; 7 are promised."
    )

    @property
    def limits(self) -> dict[str, int]:
        """The limits of platforms for which nothing is set, by name."""
        names = [name for name in type(self).model_fields if name.startswith(_LIMIT)]
        return {name.removeprefix(_LIMIT): getattr(self, name) for name in names}

    @model_validator(mode="after")
    def _keys_off_loopback(self) -> Self:
        if not is_loopback(self.listen) and len(self.service_key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(
                f"{PREFIX}SERVICE_KEY must be set, {SHORTEST_KEY} characters or more,"
                f" because {PREFIX}LISTEN={self.listen} is not loopback"
            )
        return self


Kind = TypeVar("Kind", bound=BaseSettings)


def load(kind: type[Kind], known: Mapping[str, str] | None = None) -> Kind:
    """Read settings from what is `known` by name, else the environment; SettingsError names every variable at fault."""
    made: Callable[..., Kind] = kind
    try:
        return made(**(known or {}))
    except ValidationError as error:
        raise SettingsError("\n".join(_complaint(kind, item) for item in error.errors())) from None


def _complaint(kind: type[BaseSettings], item: ErrorDetails) -> str:
    if not item["loc"]:
        return item["msg"].removeprefix("Value error, ")
    field = str(item["loc"][0])
    meaning = kind.model_fields[field].description or ""
    problem = "is not set" if item["type"] == "missing" else _begun_small(item["msg"].removeprefix("Value error, "))
    return f"{PREFIX}{field.upper()} {problem}. {meaning}"


def _begun_small(text: str) -> str:
    return text[:1].lower() + text[1:]
