"""Settings of pricing."""

from pydantic import Field, SecretStr

from services.chassis.settings import Address, ChassisSettings, SigningKeys
from services.chassis.signing import KeyRing


class Settings(ChassisSettings):
    """What pricing needs besides the chassis' settings."""

    team_formation: Address = Field(
        description="Where team_formation answers gRPC, host:port; asked for events that were missed."
    )
    quote_keys: SigningKeys = Field(
        SecretStr(""),
        description="Keys that sign quotes, KEY_ID:SEED,KEY_ID:SEED, each seed 32 random bytes in base64"
        " (openssl rand -base64 32); the first signs, all are published. Empty: no quotes are given.",
    )
    demand_store: str = Field(
        "",
        description="Folder of the demand worker's copy of its table, one for each worker; empty: a temporary one.",
    )

    @property
    def quote_ring(self) -> KeyRing | None:
        """The keys that sign quotes; None where there are none."""
        return KeyRing.read_optional(self.quote_keys.get_secret_value())
