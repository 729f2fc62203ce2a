"""The brokers that the contract is tried on, each started once for the session, and clients closed after use."""

import contextlib
import gc
import uuid
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from tests.support.brokers import KINDS, BrokerProcess, require_broker
from tests.support.members import keep_joins

Client = Callable[..., Any]

LEAK = r"Exception ignored in. <(socket\.socket|ssl\.SSLSocket)"


def pytest_configure(config: pytest.Config) -> None:
    """kafka-python does not close the socket of a connection that was refused: seen late, when it is collected."""
    config.addinivalue_line("filterwarnings", f"ignore:{LEAK}:pytest.PytestUnraisableExceptionWarning")  # in a test
    warnings.filterwarnings("ignore", LEAK, pytest.PytestUnraisableExceptionWarning)  # at the end of the session


@pytest.fixture(scope="session", params=KINDS)
def broker_of_session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerProcess]:
    """One broker for all tests; where it cannot be had, the reason."""
    require_broker(request.param)
    process = BrokerProcess(request.param, tmp_path_factory.mktemp(request.param) / "data")
    process.start()
    yield process
    if process.running:
        process.stop()


@pytest.fixture
def broker(broker_of_session: BrokerProcess) -> BrokerProcess:
    """A broker that runs, also when the test before has killed it and failed."""
    if not broker_of_session.running:
        broker_of_session.start()
    return broker_of_session


@pytest.fixture
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., BrokerProcess]]:
    """Starts local brokers of the test's own, with options."""
    with contextlib.ExitStack() as stack:

        def start(*options: str) -> BrokerProcess:
            process = BrokerProcess("local", tmp_path_factory.mktemp("local") / "data", *options)
            process.start()
            stack.callback(process.end)
            return process

        yield start


@pytest.fixture
def name() -> str:
    """A name for topics and groups that no other test uses."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def clients() -> Iterator[contextlib.ExitStack]:
    """Closes what is registered in it."""
    with contextlib.ExitStack() as stack:
        yield stack
    gc.collect()  # what a client leaves behind is found here, not in somebody else's test


@pytest.fixture
def admin(broker: BrokerProcess, clients: contextlib.ExitStack) -> KafkaAdminClient:
    """An administrator's client."""
    return clients.enter_context(contextlib.closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)))


@pytest.fixture
def producer(broker: BrokerProcess, clients: contextlib.ExitStack) -> Client:
    """Makes producers: idempotent with acks=all, which are the client's defaults."""

    def make(**options: Any) -> KafkaProducer:
        client = KafkaProducer(bootstrap_servers=broker.bootstrap, **options)
        clients.callback(client.close, timeout=10)
        return client

    return make


@pytest.fixture
def consumer(broker: BrokerProcess, clients: contextlib.ExitStack) -> Client:
    """Makes consumers that begin at the beginning and commit only when told to."""

    def make(*topics: str, **options: Any) -> KafkaConsumer:
        settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, **options}
        client = keep_joins(KafkaConsumer(bootstrap_servers=broker.bootstrap, **settings))
        clients.callback(client.close, autocommit=False)
        if topics:
            client.subscribe(topics)
        return client

    return make
