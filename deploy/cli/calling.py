"""How a command calls a service of an installation by a platform's key."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import grpc
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.channels import open_channel
from deploy.cli.installation import KEY_REMEDY, find_installation
from deploy.local.answers import in_words

SECONDS = 30.0
"""How long a call may take."""
Metadata: TypeAlias = tuple[tuple[str, str], ...]
_STUBS: dict[str, Any] = {"team_formation": TeamFormationStub, "notification": NotificationStub}


@contextmanager
def calling(service: str, data: Path) -> Iterator[tuple[Any, Metadata]]:
    """Connect to a service; gives its stub, and what each call has to carry.

    LocalError names what the environment lacks, or the service, what it refused and the remedy.
    """
    installation = find_installation(data)
    address = installation.need(service)
    metadata = (("authorization", f"Bearer {installation.need('platform_key')}"),)
    own = {grpc.StatusCode.UNAUTHENTICATED: KEY_REMEDY}
    with open_channel(address) as channel, in_words(service, address, own):
        yield _STUBS[service](channel), metadata
