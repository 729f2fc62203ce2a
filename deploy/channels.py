"""How the command line reaches services and Kafka: plain, or over TLS as the environment says."""

import grpc

from deploy.local.errors import LocalError
from services.chassis.channels import Channels
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


def kafka_security() -> KafkaSecurity:
    """Say how Kafka is reached; LocalError names a variable at fault."""
    return _read(KafkaSettings).kafka_security()


def _read(kind: type[Kind]) -> Kind:
    try:
        return load(kind)
    except SettingsError as error:
        raise LocalError(str(error), "Mend that variable of the environment.") from None
