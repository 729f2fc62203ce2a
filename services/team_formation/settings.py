"""Settings of team_formation."""

from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator

from services.chassis.environment import PREFIX
from services.chassis.sealing import Sealer
from services.chassis.settings import (
    SHORTEST_KEY,
    Address,
    ChassisSettings,
    SealingKeys,
    SigningKeys,
    is_loopback,
)
from services.chassis.signing import KeyRing
from services.chassis.tls_settings import Tls


class Settings(ChassisSettings):
    """What team_formation needs besides the chassis' settings."""

    pricing: Address = Field(description="Where pricing answers gRPC, host:port.")
    invite_secret: SecretStr = Field(description="Secret that invite codes are derived from; keep it for ever.")
    public_url: str = Field(
        "http://127.0.0.1:7180",
        description="What invite links begin with; their path is /i/<code>. Until it is set, messages have no link of"
        " the member's own page, as nobody else could open it.",
    )
    web_listen: Address = Field("127.0.0.1:7180", description="Where invite pages are served, host:port.")
    web_tls: Tls = Field("off", description="TLS of GROUPBUY_WEB_LISTEN: off, on, or mutual.")
    web_proxies: str = Field(
        "",
        description="Proxies whose word about a visitor's address is taken: addresses or networks, comma separated.",
    )
    web_origins: str = Field(
        "",
        description="Origins whose pages may read an invite's data, comma separated, for instance https://shop.example.",
    )
    notification: str = Field(
        "",
        pattern=r"^(\S+:\d{1,5})?$",
        description="Where notification answers gRPC, host:port. Empty: no chat app can be set up, the audit cannot"
        " be listed, WeChat shows no cards of ours, and members' pages have neither a switch for messages nor"
        " questions.",
    )
    seal_keys: SealingKeys = Field(
        SecretStr(""),
        description="Keys that seal the secrets and calls of chat apps, KEY_ID:SEED,KEY_ID:SEED, each seed 32 random"
        " bytes in base64 (openssl rand -base64 32); the first seals, all open. Empty: no chat app can be set up.",
    )
    handover_keys: SigningKeys = Field(
        SecretStr(""),
        description="Keys that sign hand-over tokens, KEY_ID:SEED,KEY_ID:SEED, each seed 32 random bytes in base64"
        " (openssl rand -base64 32); the first signs, all are published. Empty: nobody is handed over to a checkout.",
    )
    image_private_addresses: Literal["allow", "refuse"] = Field(
        "refuse", description="Whether pictures may be on loopback, private and link-local addresses: allow or refuse."
    )
    images_per_platform: int = Field(
        2000, ge=0, le=1_000_000, description="Most pictures of products kept for a platform; one takes up to 0.3 MB."
    )
    limit_joins_per_second: int = Field(20_000, ge=1, description="Joins a second that a platform may make.")
    limit_key_joins_per_second: int = Field(20_000, ge=1, description="The same for each key of a platform.")
    limit_campaigns: int = Field(10_000, ge=1, description="Campaigns of a platform that are not over.")
    batch_limit: int = Field(
        500, ge=1, le=5000, description="Most commands on teams that are decided in one transaction."
    )

    listeners: ClassVar[tuple[str, ...]] = (*ChassisSettings.listeners, "web_tls")

    @property
    def has_public_url(self) -> bool:
        """Whether links lead to where members can open them: the default leads to this machine."""
        return "public_url" in self.model_fields_set and bool(self.public_url)

    @property
    def handover_ring(self) -> KeyRing | None:
        """The keys that sign hand-over tokens; None where there are none."""
        return KeyRing.read_optional(self.handover_keys.get_secret_value())

    @model_validator(mode="after")
    def _secret_off_loopback(self) -> Self:
        if not is_loopback(self.listen) and len(self.invite_secret.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(
                f"{PREFIX}INVITE_SECRET must have {SHORTEST_KEY} characters or more,"
                f" because {PREFIX}LISTEN={self.listen} is not loopback"
            )
        return self

    @property
    def sealer(self) -> Sealer | None:
        """The keys that seal, if there are any."""
        keys = self.seal_keys.get_secret_value()
        return Sealer.read(keys) if keys else None
