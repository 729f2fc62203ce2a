"""How Faust reads and writes our messages: protobuf, named where it is used, and never by what a record says."""

from typing import Any, Generic, TypeVar

from faust.serializers import codecs
from google.protobuf.message import DecodeError, Message
from groupbuy.pricing.v1 import events_pb2

Kind = TypeVar("Kind", bound=Message)

TALLY = "groupbuy-tally"
DEMAND = "groupbuy-demand"
KEY = "raw"
"""Keys are the campaign's id as bytes."""


class Protobuf(codecs.Codec, Generic[Kind]):
    """Reads and writes one type of message. What cannot be read is None: an exception would stop the agent unseen."""

    def __init__(self, kind: type[Kind]) -> None:
        super().__init__()
        self._kind = kind

    def _loads(self, s: bytes) -> Kind | None:
        try:
            return self._kind.FromString(s)
        except DecodeError:
            return None

    def _dumps(self, s: Any) -> bytes:
        raw: bytes = s.SerializeToString()
        return raw


def register() -> None:
    """Make the codecs known to Faust by their names."""
    codecs.register(TALLY, Protobuf(events_pb2.TallyEvent))
    codecs.register(DEMAND, Protobuf(events_pb2.DemandEvent))
