"""The topics in Kafka: create what is missing."""

from deploy.local.errors import LocalError
from services.chassis.errors import Unavailable
from services.chassis.topics import create_topics


async def prepare_topics(bootstrap: str) -> int:
    """Create the topics that are missing at `bootstrap`; give how many. LocalError if Kafka does not answer."""
    try:
        return len(await create_topics(bootstrap))
    except Unavailable as error:
        raise LocalError(f"{error}.", "If GROUPBUY_KAFKA names it: is the address right, and does it run?") from None
