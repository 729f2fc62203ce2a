"""Settings of pricing."""

from pydantic import Field, SecretStr, field_validator

from services.chassis.settings import Address, ChassisSettings
from services.chassis.signing import KeyRing


class Settings(ChassisSettings):
    """What pricing needs besides the chassis' settings."""

    team_formation: Address = Field(
        description="Where team_formation answers gRPC, host:port; asked for events that were missed."
    )
    quote_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys that sign quotes, KEY_ID:SEED,KEY_ID:SEED, each seed 32 random bytes in base64"
        " (openssl rand -base64 32); the first signs, all are published. Empty: no quotes are given.",
    )
    demand_store: str = Field(
        "",
        description="Folder of the demand worker's copy of its table, one for each worker; empty: a temporary one.",
    )

    @field_validator("quote_keys")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            KeyRing.read(value.get_secret_value())
        return value

    @property
    def quote_ring(self) -> KeyRing | None:
        """The keys that sign quotes; None where there are none."""
        text = self.quote_keys.get_secret_value()
        return KeyRing.read(text) if text else None
