"""Settings of TLS: what a process shows, whom it trusts, and which of its addresses need it."""

from typing import ClassVar, Literal, Self, TypeAlias

from pydantic import Field, SecretStr, model_validator

from services.chassis.environment import PREFIX, Environment
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity, Mechanism
from services.chassis.tls import Listening, RenewedContext, TlsFiles, check

Tls: TypeAlias = Literal["off", "on", "mutual"]
"""Of a listener: plain, TLS, or TLS whose callers show a certificate too."""


class CallingSettings(Environment):
    """What whoever calls the services needs: the services themselves, and the command line."""

    tls_certificate: str = Field(
        "", description="PEM file of the certificate that this process shows, and those that lead to its authority."
    )
    tls_key: str = Field("", description="PEM file of that certificate's private key, without a password.")
    tls_server_ca: str = Field(
        "",
        description="PEM file of the authorities that the services' certificates are by; with it, services are called"
        " over TLS.",
    )

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("GROUPBUY_TLS_CERTIFICATE and GROUPBUY_TLS_KEY go together; set both or neither")
        check(TlsFiles(self.tls_certificate, self.tls_key, self.tls_server_ca))
        return self

    @property
    def calling(self) -> TlsFiles | None:
        """The files to call services with; None where they are called without TLS."""
        return TlsFiles(self.tls_certificate, self.tls_key, self.tls_server_ca) if self.tls_server_ca else None


class KafkaSettings(Environment):
    """How Kafka is reached."""

    kafka_tls: Literal["off", "on"] = Field("off", description="Whether Kafka is reached over TLS: off or on.")
    kafka_ca: str = Field(
        "", description="PEM file of the authorities that the brokers' certificates are by; empty: the system's."
    )
    kafka_certificate: str = Field("", description="PEM file of the certificate shown to Kafka; empty for none.")
    kafka_key: str = Field("", description="PEM file of that certificate's private key, without a password.")
    kafka_user: str = Field("", description="User of SASL; empty for none.")
    kafka_password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    kafka_mechanism: Mechanism = Field(
        "SCRAM-SHA-512", description="Mechanism of SASL: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN."
    )

    @model_validator(mode="after")
    def _kafka_is_whole(self) -> Self:
        if bool(self.kafka_certificate) != bool(self.kafka_key):
            raise ValueError("GROUPBUY_KAFKA_CERTIFICATE and GROUPBUY_KAFKA_KEY go together; set both or neither")
        if self.kafka_tls == "off" and (self.kafka_ca or self.kafka_certificate):
            raise ValueError(
                "GROUPBUY_KAFKA_CA and GROUPBUY_KAFKA_CERTIFICATE have no use without GROUPBUY_KAFKA_TLS=on"
            )
        if bool(self.kafka_user) != bool(self.kafka_password.get_secret_value()):
            raise ValueError("GROUPBUY_KAFKA_USER and GROUPBUY_KAFKA_PASSWORD go together; set both or neither")
        check(self._kafka_files)
        return self

    @property
    def _kafka_files(self) -> TlsFiles:
        return TlsFiles(self.kafka_certificate, self.kafka_key, self.kafka_ca)

    def kafka_security(self) -> KafkaSecurity:
        """Make what connections to Kafka need; OSError where a file cannot be used."""
        tls = RenewedContext.client(self._kafka_files) if self.kafka_tls == "on" else None
        if tls is None and not self.kafka_user:
            return PLAINTEXT
        return KafkaSecurity(tls, self.kafka_user, self.kafka_password.get_secret_value(), self.kafka_mechanism)


class TlsSettings(CallingSettings, KafkaSettings):
    """How a service is called itself, besides the above."""

    tls_client_ca: str = Field(
        "", description="PEM file of the authorities that callers' certificates must be by, where TLS is mutual."
    )
    listen_tls: Tls = Field("off", description="TLS of GROUPBUY_LISTEN: off, on, or mutual.")
    ops_tls: Tls = Field("off", description="TLS of GROUPBUY_OPS_LISTEN: off, on, or mutual.")

    http_tls: Tls = Field("off", description="TLS of GROUPBUY_HTTP_LISTEN: off, on, or mutual.")

    listeners: ClassVar[tuple[str, ...]] = ("listen_tls", "ops_tls", "http_tls")
    """The settings of listeners; a service that has more names them all."""

    @model_validator(mode="after")
    def _listeners_have_files(self) -> Self:
        for name in self.listeners:
            tls = getattr(self, name)
            if tls != "off" and not self.tls_certificate:
                raise ValueError(f"{PREFIX}{name.upper()}={tls} needs {PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY")
            if tls == "mutual" and not self.tls_client_ca:
                raise ValueError(f"{PREFIX}{name.upper()}=mutual needs {PREFIX}TLS_CLIENT_CA")
        check(TlsFiles(authorities=self.tls_client_ca))
        return self

    def listening(self, tls: Tls) -> Listening | None:
        """Give what a listener needs; None for one without TLS."""
        files = TlsFiles(self.tls_certificate, self.tls_key, self.tls_client_ca if tls == "mutual" else "")
        return None if tls == "off" else Listening(files)
