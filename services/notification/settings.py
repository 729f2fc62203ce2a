"""Settings of notification."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from services.chassis.sealing import Sealer
from services.chassis.settings import Address, ChassisSettings


def _none_if_empty(value: object) -> object:
    return value or None


class Settings(ChassisSettings):
    """What notification needs besides the chassis."""

    smtp: Annotated[Address | None, BeforeValidator(_none_if_empty)] = Field(
        None, description="SMTP server of the email channel, host:port; without it e-mails wait."
    )
    mail_from: str = Field("groupbuy@localhost", description="Sender's mailbox of the email channel.")
    webhook_private_addresses: Literal["allow", "refuse"] = Field(
        "refuse", description="Whether webhooks may go to loopback, private and link-local addresses: allow or refuse."
    )
    send_seconds: float = Field(10.0, gt=0, le=120, description="Longest time of one attempt to send, in seconds.")
    send_concurrency: int = Field(96, ge=1, le=2000, description="Most attempts under way in this process.")
    channel_concurrency: int = Field(
        32, ge=1, le=2000, description="Most attempts under way by one channel, so that a slow one leaves room."
    )
    delivery_attempts: int = Field(40, ge=1, description="Attempts after which a delivery is given up.")
    delivery_hours: float = Field(24.0, gt=0, description="Age at which a delivery is given up, in hours.")
    seal_keys: SecretStr = Field(
        description="Keys that seal members' addresses and platforms' secrets, KEY_ID:SEED,KEY_ID:SEED, each seed 32"
        " random bytes in base64 (openssl rand -base64 32); the first seals, all open. Keep them: without them none of"
        " what is stored opens.",
    )

    unsubscribe_url: str = Field(
        "",
        pattern="^(https://[!-;=?-~]+)?$",
        description="Address that takes links by which members unsubscribe, https://...; e-mails carry it with a token"
        " (RFC 8058), and what comes there is handed on by the RPC Unsubscribe. Empty: e-mails carry no such link.",
    )

    @field_validator("seal_keys")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        Sealer.read(value.get_secret_value())
        return value

    @property
    def sealer(self) -> Sealer:
        """The keys that seal."""
        return Sealer.read(self.seal_keys.get_secret_value())
