"""A broker that speaks the Kafka protocol, for development and tests on one machine.

It serves what kafka-python, aiokafka and Faust (at least once) ask for: topics, idempotent producers, consumer groups,
retention and compaction. It listens on the loopback address only. What it acknowledged survives a restart and a kill of
the process; it does not wait for the disk, so a power cut can lose the last seconds. No replication, no transactions,
no authentication: use Apache Kafka where any of these matters.
"""
