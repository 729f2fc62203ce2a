"""The Kafka broker as a part: the local one, or Apache Kafka."""

from pathlib import Path

from deploy.local.stack.options import LOOPBACK, KafkaKind, StackOptions
from deploy.local.stack.part import Program
from deploy.local.stack.services import python_program

_MODULES: dict[KafkaKind, str] = {"local": "deploy.local.broker", "apache": "deploy.local.kafka"}
_START_SECONDS: dict[KafkaKind, float] = {"local": 30.0, "apache": 300.0}  # the first time Maven fetches its jars


def broker_part(options: StackOptions, data: Path, log: Path, port: int) -> Program:
    """The broker that `options` ask for, with its records below `data`."""
    address = f"{LOOPBACK}:{port}"
    return Program(
        name="kafka",
        address=address,
        probe=f"tcp://{address}",
        argv=python_program(_MODULES[options.kafka], "--data", str(data), "--port", str(port)),
        environment={"PYTHONUNBUFFERED": "1", **options.environment},
        log=log,
        start_seconds=_START_SECONDS[options.kafka],
        stop_seconds=40.0,
    )
