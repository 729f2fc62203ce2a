"""How the command line reaches services and Kafka: plain, or over TLS as the environment says."""

from collections.abc import Mapping

import grpc

from deploy.local.errors import LocalError
from services.chassis.channels import Channels
from services.chassis.environment import PREFIX
from services.chassis.kafka_security import KafkaSecurity
from services.chassis.settings import Kind, SettingsError, load
from services.chassis.tls import channel_credentials
from services.chassis.tls_settings import CallingSettings, KafkaSettings


def open_channel(address: str) -> grpc.Channel:
    """Open a channel to a service, which connects when it is first used; LocalError names a variable at fault."""
    files = _read(CallingSettings).calling
    return grpc.secure_channel(address, channel_credentials(files)) if files else grpc.insecure_channel(address)


def open_async_channel(address: str) -> grpc.aio.Channel:
    """Open the same for asyncio."""
    return Channels(_read(CallingSettings).calling).open(address)


def kafka_security(environment: Mapping[str, str] | None = None) -> KafkaSecurity:
    """Say how Kafka is reached by an environment, or by this process' own; LocalError names a variable at fault."""
    known = {name: (environment or {}).get(f"{PREFIX}{name.upper()}") for name in KafkaSettings.model_fields}
    return _read(KafkaSettings, {name: value for name, value in known.items() if value is not None}).kafka_security()


def _read(kind: type[Kind], known: Mapping[str, str] | None = None) -> Kind:
    try:
        return load(kind, known)
    except SettingsError as error:
        raise LocalError(str(error), "Mend that variable of the environment.") from None
