"""The demo platform: made once through team_formation's internal service, found again later."""

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from deploy.local.errors import LocalError

if TYPE_CHECKING:
    import grpc
    from groupbuy.team_formation.v1.team_formation_internal_pb2_grpc import TeamFormationInternalStub

NAME = "demo"

_SECONDS = 10.0
_KNOWN_SECONDS = 60.0
_PAUSE_SECONDS = 0.05


async def find_or_make_platform(address: str, service_key: str, known: list[str]) -> list[str]:
    """[id, API key, test key] of the demo platform: the `known` one if team_formation still has it, else a new one.

    The call blocks a thread of its own: the asyncio side of gRPC belongs to one event loop a process, and that is our
    caller's to give away.
    """
    return await asyncio.to_thread(_find_or_make, address, service_key, known)


async def wait_until_known(pricing: str, notification: str, key: str) -> None:
    """Wait until pricing and notification accept `key`: it reaches them as an event, a moment after it was made."""
    await asyncio.to_thread(_wait_until_known, pricing, notification, key)


def _wait_until_known(pricing: str, notification: str, key: str) -> None:
    import grpc  # noqa: PLC0415
    from groupbuy.notification.v1 import notification_service_pb2, notification_service_pb2_grpc  # noqa: PLC0415
    from groupbuy.pricing.v1 import pricing_service_pb2, pricing_service_pb2_grpc  # noqa: PLC0415

    with grpc.insecure_channel(pricing) as to_pricing, grpc.insecure_channel(notification) as to_notification:
        prices = pricing_service_pb2_grpc.PricingStub(to_pricing)
        messages = notification_service_pb2_grpc.NotificationStub(to_notification)
        _until_accepted("pricing", prices.GetPrice, pricing_service_pb2.GetPriceRequest(), key)
        _until_accepted("notification", messages.GetMember, notification_service_pb2.GetMemberRequest(), key)


def _until_accepted(service: str, call: Any, request: Any, key: str) -> None:
    import grpc  # noqa: PLC0415

    gives_up = time.monotonic() + _KNOWN_SECONDS
    while True:
        try:
            call(request, metadata=(("authorization", f"Bearer {key}"),), timeout=_SECONDS)
        except grpc.RpcError as error:
            code = cast("grpc.Call", error).code()
            if code is grpc.StatusCode.NOT_FOUND:  # the key was accepted, and there is no such thing
                return
        if time.monotonic() > gives_up:
            raise LocalError(
                f"{service} has not heard of the demo platform within {_KNOWN_SECONDS:.0f} s.",
                f"See groupbuy logs {service}, and groupbuy logs kafka.",
            )
        time.sleep(_PAUSE_SECONDS)


def _find_or_make(address: str, service_key: str, known: list[str]) -> list[str]:
    # imported here because it takes a tenth of a second that `groupbuy status` need not wait
    import grpc  # noqa: PLC0415
    from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc as internal  # noqa: PLC0415

    with grpc.insecure_channel(address) as channel:
        try:
            return _ask(internal.TeamFormationInternalStub(channel), service_key, known)
        except grpc.RpcError as error:
            raise LocalError(
                f"The demo platform could not be made: team_formation at {address} answered {_answer(error)}.",
                "See groupbuy logs team_formation: perhaps another program took its port in this moment; start again.",
            ) from None


def _answer(error: "grpc.RpcError") -> str:
    call = cast("grpc.Call", error)  # what a blocking stub raises is both
    return f"{call.code().name}: {(call.details() or '').rstrip('.')}"


def _ask(stub: "TeamFormationInternalStub", service_key: str, known: list[str]) -> list[str]:
    from groupbuy.team_formation.v1 import team_formation_internal_pb2 as messages  # noqa: PLC0415

    metadata = (("authorization", f"Bearer {service_key}"),)
    there = stub.ListPlatforms(messages.ListPlatformsRequest(), metadata=metadata, timeout=_SECONDS).platforms
    if known and known[0] in {platform.platform_id for platform in there}:
        return known
    made = stub.CreatePlatform(messages.CreatePlatformRequest(name=NAME), metadata=metadata, timeout=_SECONDS)
    return [made.platform_id, made.key, made.test_key]
