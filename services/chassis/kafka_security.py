"""How Kafka is reached: over TLS or not, and as whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from services.chassis.tls import RenewedContext

Mechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """What a connection to Kafka needs besides its address."""

    tls: RenewedContext | None = None
    user: str = ""
    """For SASL; empty for none."""
    password: str = field(default="", repr=False)
    mechanism: Mechanism = "SCRAM-SHA-512"

    @property
    def protocol(self) -> str:
        """Kafka's word for it."""
        if self.user:
            return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"
        return "SSL" if self.tls else "PLAINTEXT"

    @property
    def options(self) -> Mapping[str, Any]:
        """What kafka-python is told."""
        found: dict[str, Any] = {"security_protocol": self.protocol}
        if self.tls:
            found["ssl_context"] = self.tls
        if self.user:
            found |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        return found


PLAINTEXT = KafkaSecurity()
