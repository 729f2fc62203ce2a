"""How commands of operators reach team_formation: its address, the services' key, and errors in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from groupbuy.team_formation.v1.team_formation_internal_pb2_grpc import TeamFormationInternalStub

from deploy.channels import open_channel
from deploy.cli.installation import Installation, find_installation
from deploy.local.answers import in_words

SECONDS = 10.0
SERVICE_KEY = "Set GROUPBUY_SERVICE_KEY to the key that the services share."
"""What to do where a service does not know the key of the services."""

Metadata = tuple[tuple[str, str], ...]


@contextmanager
def formation(data: Path) -> Iterator[tuple[TeamFormationInternalStub, Metadata]]:
    """Give a client of team_formation's internal RPCs; LocalError says what is missing, or what was answered."""
    installation: Installation = find_installation(data)
    address = installation.need("team_formation")
    metadata = (("authorization", f"Bearer {installation.need('service_key')}"),)
    own = {grpc.StatusCode.UNAUTHENTICATED: SERVICE_KEY}
    with open_channel(address) as channel, in_words("team_formation", address, own):
        yield TeamFormationInternalStub(channel), metadata
