"""Single requests and hand-made batches, for what no client would send by itself."""

import socket
import struct
import time
from typing import Any

from kafka.protocol.producer import InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse
from kafka.record import MemoryRecordsBuilder

from tests.support.brokers import BrokerProcess
from tests.support.eventually import eventually

# Unknown partition, no leader, not the leader: a broker that has just started is not ready yet.
_NOT_YET = (3, 5, 6)


def ask(broker: BrokerProcess, request: Any, response: Any) -> Any:
    """Send one request on a connection of its own and decode the answer."""
    request.with_header(correlation_id=1, client_id="test")
    with socket.create_connection(("127.0.0.1", broker.port), timeout=30) as connection:
        connection.sendall(bytes(request.encode(header=True, framed=True)))
        (length,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
        frame = connection.recv(length, socket.MSG_WAITALL)
    return response.decode(frame, version=request.API_VERSION, header=True)


def new_producer_id(broker: BrokerProcess) -> int:
    """An id for an idempotent producer; a broker that has just started may have none yet."""
    request = InitProducerIdRequest(version=4, transactional_id=None, transaction_timeout_ms=1000)

    def given() -> Any:
        answer = ask(broker, request, InitProducerIdResponse)
        return None if answer.error_code else answer

    return int(eventually(given, "a producer id is given").producer_id)


def batch(*values: bytes, producer: int = -1, epoch: int = -1, sequence: int = -1) -> bytes:
    """One record batch of values without keys."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1 << 20)
    # Now: Apache Kafka forgets a producer by the time of its records.
    now = int(time.time() * 1000)
    builder.set_producer_state(producer, epoch, sequence, is_transactional=False)
    for value in values:
        builder.append(timestamp=now, key=None, value=value)
    builder.close()
    return bytes(builder.buffer())


def produce(broker: BrokerProcess, topic: str, records: bytes) -> tuple[int, int]:
    """Error code and base offset of one batch sent to partition 0 of a topic."""
    data = ProduceRequest.TopicProduceData
    part = data.PartitionProduceData(index=0, records=records)
    topics = [data(name=topic, partition_data=[part])]
    request = ProduceRequest(version=9, transactional_id=None, acks=-1, timeout_ms=10_000, topic_data=topics)

    def answered() -> Any:
        answer = ask(broker, request, ProduceResponse).responses[0].partition_responses[0]
        return None if answer.error_code in _NOT_YET else answer

    answer = eventually(answered, "the partition has a leader")
    return answer.error_code, answer.base_offset
