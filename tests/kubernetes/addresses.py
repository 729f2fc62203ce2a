"""Addresses of a cluster. It has a network namespace of its own with nothing else in it, so none can be taken."""

NAMESPACE = "groupbuy-k8s"
"""Of the network; all of the test runs in it, so it reaches services and pods as a node does."""
SERVER = "10.255.0.1"
"""The API server, PostgreSQL, Kafka and the names, for nodes and pods alike."""
SERVICE_RANGE = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"
"""The API server's own address as a service."""
POD_RANGE = "10.244.0.0/16"
API_PORT = 6443
ETCD_PORT = 2379
DATABASE_PORT = 5432
KAFKA_PORT = 9092
NAME_PORT = 53
ZONE = "cluster.local"
