"""Settings of traces: where spans go, and of which share of the traces that begin here."""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from services.chassis.environment import PREFIX, Environment
from services.chassis.tls import TlsFiles, check

_FORM = re.compile(r"[^\s/@]+:[0-9]{1,5}")


class TraceSettings(Environment):
    """How spans reach an OpenTelemetry receiver, over OTLP by gRPC; without an endpoint none are made."""

    traces_endpoint: str = Field(
        "", description="Where an OpenTelemetry collector takes OTLP over gRPC, host:port; empty: nothing is traced."
    )
    traces_ratio: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Share of the traces begun here that is recorded, 0 to 1; callers decide on theirs.",
    )
    traces_tls: Literal["off", "on"] = Field("off", description="Whether the collector is reached over TLS: off or on.")
    traces_ca: str = Field(
        "", description="PEM file of the authorities that its certificate is by; empty: the system's."
    )
    traces_certificate: str = Field("", description="PEM file of the certificate shown to it; empty for none.")
    traces_key: str = Field("", description="PEM file of that certificate's private key, without a password.")
    environment: str = Field(
        "",
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Name of the environment in traces, for instance production; letters, digits and . _ - alone.",
    )

    @model_validator(mode="after")
    def _traces_are_whole(self) -> Self:
        if self.traces_endpoint and not _FORM.fullmatch(self.traces_endpoint):
            raise ValueError(
                f"{PREFIX}TRACES_ENDPOINT must be host:port without http:// before it, for instance 127.0.0.1:4317"
            )
        if bool(self.traces_certificate) != bool(self.traces_key):
            raise ValueError(f"{PREFIX}TRACES_CERTIFICATE and {PREFIX}TRACES_KEY go together; set both or neither")
        if self.traces_tls == "off" and (self.traces_ca or self.traces_certificate):
            raise ValueError(
                f"{PREFIX}TRACES_CA and {PREFIX}TRACES_CERTIFICATE have no use without {PREFIX}TRACES_TLS=on"
            )
        check(self._traces_files)
        return self

    @property
    def _traces_files(self) -> TlsFiles:
        return TlsFiles(self.traces_certificate, self.traces_key, self.traces_ca)

    @property
    def traces_security(self) -> TlsFiles | None:
        """The files to reach the collector with; None where it is reached without TLS."""
        return self._traces_files if self.traces_tls == "on" else None
