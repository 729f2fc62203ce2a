"""Objects of other people's controllers: of a version and with fields that these document, as no schema is at hand."""

from __future__ import annotations

from collections.abc import Iterator

from tools.manifest_objects import Manifest, named

KINDS = {
    "kafka.strimzi.io/v1": {
        "KafkaTopic": {"topicName", "partitions", "replicas", "config"},
        "KafkaUser": {"authentication", "authorization", "quotas", "template"},
        "KafkaNodePool": {"replicas", "storage", "roles", "resources", "jvmOptions", "template"},
        "Kafka": {"kafka", "entityOperator", "clusterCa", "clientsCa", "cruiseControl", "kafkaExporter",
                  "maintenanceTimeWindows"},
    },
    "keda.sh/v1alpha1": {
        "ScaledObject": {"scaleTargetRef", "pollingInterval", "cooldownPeriod", "initialCooldownPeriod",
                         "idleReplicaCount", "minReplicaCount", "maxReplicaCount", "fallback", "advanced",
                         "triggers"},
        "TriggerAuthentication": {"env", "secretTargetRef", "configMapTargetRef", "podIdentity"},
    },
    "postgresql.cnpg.io/v1": {
        "Cluster": {"instances", "storage", "inheritedMetadata", "postgresql", "managed", "resources", "affinity",
                    "bootstrap", "plugins", "monitoring", "imageName", "imageCatalogRef", "walStorage", "probes"},
        "Database": {"name", "owner", "cluster", "ensure", "databaseReclaimPolicy", "encoding", "extensions",
                     "schemas"},
        "Pooler": {"cluster", "instances", "type", "pgbouncer", "template", "monitoring", "deploymentStrategy",
                   "serviceTemplate"},
    },
    "gateway.networking.k8s.io/v1": {
        "GRPCRoute": {"parentRefs", "hostnames", "rules"},
        "HTTPRoute": {"parentRefs", "hostnames", "rules"},
    },
    "monitoring.coreos.com/v1": {
        "PodMonitor": {"selector", "namespaceSelector", "podMetricsEndpoints", "jobLabel", "podTargetLabels"},
        "PrometheusRule": {"groups"},
    },
}  # fmt: skip
"""Fields of other people's kinds by version, as their references list them; of those that we use, and their like."""


def foreign_fields_are_known(manifests: list[Manifest]) -> Iterator[str]:
    """Objects of other people's controllers have the version and the fields that these document."""
    known = {kind: (version, fields) for version, kinds in KINDS.items() for kind, fields in kinds.items()}
    for item in manifests:
        if item["kind"] not in known:
            continue
        version, fields = known[item["kind"]]
        if item["apiVersion"] != version:
            yield f"{named(item)}: its version is {version}, not {item['apiVersion']}"
        for field in sorted(set(item["spec"]) - fields):
            yield f"{named(item)}: there is no field spec.{field}"
        belongs = item["metadata"].get("labels", {}).get("strimzi.io/cluster")
        if item["kind"] in {"KafkaNodePool", "KafkaTopic", "KafkaUser"} and not belongs:
            yield f"{named(item)}: no label strimzi.io/cluster says which Kafka it belongs to"
        for acl in item["spec"].get("authorization", {}).get("acls", []):
            if "operation" in acl or not acl.get("operations"):
                yield f"{named(item)}: a rule lists what it allows as operations"
