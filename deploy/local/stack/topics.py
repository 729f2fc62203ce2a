"""The topics in Kafka: create what is missing."""

from deploy.local.errors import ServerAway
from deploy.local.stack.probe import probe
from services.chassis.errors import Unavailable
from services.chassis.kafka_security import PLAINTEXT, KafkaSecurity
from services.chassis.topics import create_topics


async def reachable(bootstrap: str) -> str:
    """The first of the servers in `bootstrap` (host:port, comma separated) that answers; ServerAway if none does."""
    for address in bootstrap.split(","):
        if await probe(f"tcp://{address.strip()}"):
            return address.strip()
    raise _refusal(f"Kafka at {bootstrap} does not answer.")


async def prepare_topics(
    bootstrap: str, security: KafkaSecurity = PLAINTEXT, replication: int | None = None
) -> list[str]:
    """Create the topics that are missing at `bootstrap`; give their names. ServerAway if Kafka does not answer."""
    try:
        return await create_topics(bootstrap, replication=replication, security=security)
    except Unavailable as error:
        raise _refusal(f"{error}.") from None


def _refusal(problem: str) -> ServerAway:
    return ServerAway(problem, "If GROUPBUY_KAFKA names it: is the address right, and does it run?")
