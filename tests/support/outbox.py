"""What tests of outbox and relay share: messages made from a key and a number, and a publisher that remembers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, uuid5

from groupbuy.team_formation.v1 import events_pb2

from services.chassis import messages
from services.chassis.errors import Unavailable
from services.chassis.messages import Message
from services.chassis.publisher import Publisher

TOPIC = "groupbuy.team.v1"


def team_event(key: str, sequence: int) -> events_pb2.TeamEvent:
    """An event of a team: the smallest that the chassis accepts."""
    event = events_pb2.TeamEvent(
        event_id=str(uuid5(NAMESPACE_OID, f"{key}/{sequence}")),
        sequence=sequence,
        team_id=key,
        team_opened=events_pb2.TeamOpened(),
    )
    event.occurred_at.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    return event


def told(key: str, sequence: int) -> Message:
    """The message of `team_event`."""
    return messages.message(TOPIC, key, team_event(key, sequence))


class RecordingPublisher(Publisher):
    """Keeps what the relay publishes, in order; can be told to fail, as Kafka does when it is away."""

    def __init__(self) -> None:
        super().__init__("nowhere:0", "test")
        self.published: list[Message] = []
        self.fail = 0

    async def publish(self, messages: Sequence[Message]) -> None:
        """Remember."""
        if self.fail:
            self.fail -= 1
            raise Unavailable("Kafka is away")
        self.published += messages

    @property
    def seen(self) -> list[tuple[str, int]]:
        """Key and sequence of each."""
        return [(item.key, item.sequence) for item in self.published]
