"""Apache Kafka that takes clients over TLS, with a certificate and a password of their own."""

from pathlib import Path

from deploy.local.child import Child
from deploy.local.kafka.node import HOST, ApacheKafka
from deploy.local.sockets import free_port
from services.chassis.tls import TlsFiles

USER, PASSWORD = "groupbuy", "a-password-of-groupbuy"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


class SecureKafka(ApacheKafka):
    """A node whose clients need TLS, a certificate of the authority, and SASL; SCRAM and PLAIN."""

    def __init__(self, data: Path, files: TlsFiles) -> None:
        super().__init__(data)
        self._files = files

    def _write_properties(self) -> Path:
        path = super()._write_properties()
        own = path.read_text().splitlines()
        controller = next(line for line in own if line.startswith("listeners=")).rpartition(",")[2]
        listeners = f"CLIENTS://{HOST}:{self.port},BROKERS://{HOST}:{free_port()}"
        replaced = {
            "advertised.listeners": listeners,
            "listeners": f"{listeners},{controller}",
            "listener.security.protocol.map": "CLIENTS:SASL_SSL,BROKERS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        }
        kept = [line for line in own if line.partition("=")[0] not in replaced]
        path.write_text("\n".join([*kept, *(f"{key}={value}" for key, value in (replaced | self._secured()).items())]))
        return path

    def _secured(self) -> dict[str, str]:
        both = self.data / "keystore.pem"
        both.write_bytes(Path(self._files.key).read_bytes() + Path(self._files.certificate).read_bytes())
        clients = "listener.name.clients"
        return {
            "inter.broker.listener.name": "BROKERS",
            f"{clients}.ssl.keystore.type": "PEM",
            f"{clients}.ssl.keystore.location": str(both),
            f"{clients}.ssl.truststore.type": "PEM",
            f"{clients}.ssl.truststore.location": self._files.authorities,
            f"{clients}.ssl.client.auth": "required",
            f"{clients}.sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
            f"{clients}.scram-sha-512.sasl.jaas.config": f"{_SCRAM} required;",
            f"{clients}.plain.sasl.jaas.config": f'{_PLAIN} required user_{USER}="{PASSWORD}";',
        }

    def _spawn(self, libs: Path, main_class: str, *arguments: str) -> Child:
        if arguments[:1] == ("format",):
            arguments = (*arguments, "--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]")
        return super()._spawn(libs, main_class, *arguments)
