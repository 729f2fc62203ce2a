"""The demo platform: made once through team_formation's internal service, found again later."""

import asyncio
from typing import TYPE_CHECKING

from deploy.local.errors import LocalError

if TYPE_CHECKING:
    from groupbuy.team_formation.v1.team_formation_internal_pb2_grpc import TeamFormationInternalStub

NAME = "demo"

_SECONDS = 10.0


async def find_or_make_platform(address: str, service_key: str, known: list[str]) -> list[str]:
    """[id, API key] of the demo platform: the `known` one if team_formation still has it, else a new one.

    The call blocks a thread of its own: the asyncio side of gRPC belongs to one event loop a process, and that is our
    caller's to give away.
    """
    return await asyncio.to_thread(_find_or_make, address, service_key, known)


def _find_or_make(address: str, service_key: str, known: list[str]) -> list[str]:
    # imported here because it takes a tenth of a second that `groupbuy status` need not wait
    import grpc  # noqa: PLC0415
    from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc as internal  # noqa: PLC0415

    with grpc.insecure_channel(address) as channel:
        try:
            return _ask(internal.TeamFormationInternalStub(channel), service_key, known)
        except grpc.RpcError as error:
            raise LocalError(
                f"The demo platform could not be made: team_formation at {address} answered {error}.",
                "See groupbuy logs team_formation.",
            ) from None


def _ask(stub: "TeamFormationInternalStub", service_key: str, known: list[str]) -> list[str]:
    from groupbuy.team_formation.v1 import team_formation_internal_pb2 as messages  # noqa: PLC0415

    metadata = (("authorization", f"Bearer {service_key}"),)
    there = stub.ListPlatforms(messages.ListPlatformsRequest(), metadata=metadata, timeout=_SECONDS).platforms
    if known and known[0] in {platform.platform_id for platform in there}:
        return known
    made = stub.CreatePlatform(messages.CreatePlatformRequest(name=NAME), metadata=metadata, timeout=_SECONDS)
    return [made.platform_id, made.key]
