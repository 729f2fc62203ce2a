"""Settings of notification."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

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
    webhook_concurrency: int = Field(
        64, ge=1, le=2000, description="Most posts to platforms' webhook endpoints under way in this process."
    )
    endpoint_concurrency: int = Field(8, ge=1, le=200, description="Most posts to one webhook endpoint under way.")
    limit_messages_per_second: int = Field(
        10_000, ge=1, description="Members a second that a platform may name in SendMessage."
    )
    limit_key_messages_per_second: int = Field(10_000, ge=1, description="The same for each key of a platform.")
    limit_messages_per_day: int = Field(
        5_000_000, ge=1, description="Messages of a platform's own words that are written in a day, in UTC."
    )
    delivery_attempts: int = Field(40, ge=1, description="Attempts after which a delivery is given up.")
    delivery_hours: float = Field(24.0, gt=0, description="Age at which a delivery is given up, in hours.")
    keep_deliveries_days: int = Field(
        180, ge=30, le=3650, description="How long messages to members are kept after their end, in days."
    )
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
    team_formation: str = Field(
        "",
        pattern=r"^(\S+:\d{1,5})?$",
        description="Where team_formation answers gRPC, host:port: it makes the links of members' own pages that"
        " messages about a seat end with. Empty: they have none.",
    )
    smtp_user: str = Field("", description="User at the SMTP server; empty: no login.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    smtp_tls: Literal["auto", "none", "starttls", "implicit"] = Field(
        "auto",
        description="TLS to the SMTP server: auto (STARTTLS where it is offered), none, starttls (insists), implicit"
        " (from the first byte, often port 465). A login needs one that is said: starttls, implicit, or none.",
    )

    @field_validator("seal_keys")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        Sealer.read(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _login_is_whole(self) -> "Settings":
        if bool(self.smtp_user) != bool(self.smtp_password.get_secret_value()):
            raise ValueError("GROUPBUY_SMTP_USER and GROUPBUY_SMTP_PASSWORD go together; set both or neither")
        if self.smtp_user and self.smtp_tls == "auto":
            raise ValueError("GROUPBUY_SMTP_TLS must be starttls, implicit or none where there is a password: with auto"
                             " it could travel in the clear")  # fmt: skip
        return self

    @property
    def smtp_login(self) -> tuple[str, str] | None:
        """User and password at the SMTP server; None where there is no login."""
        return (self.smtp_user, self.smtp_password.get_secret_value()) if self.smtp_user else None

    @property
    def sealer(self) -> Sealer:
        """The keys that seal."""
        return Sealer.read(self.seal_keys.get_secret_value())
