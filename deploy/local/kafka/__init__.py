"""Apache Kafka on one machine: the jars come from Maven Central, the broker runs as one KRaft node on loopback."""

from deploy.local.kafka.jars import available
from deploy.local.kafka.node import ApacheKafka

__all__ = ["ApacheKafka", "available"]
