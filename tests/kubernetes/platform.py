"""A platform with a campaign, made in the cluster as an operator and a shop would."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import grpc
from groupbuy.notification.v1.notification_service_pb2 import GetMemberRequest
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.pricing.v1.pricing_service_pb2 import GetPriceRequest
from groupbuy.pricing.v1.pricing_service_pb2_grpc import PricingStub
from groupbuy.team_formation.v1.team_formation_internal_pb2 import CreatePlatformRequest
from groupbuy.team_formation.v1.team_formation_internal_pb2_grpc import TeamFormationInternalStub
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub
from groupbuy.team_formation.v1.types_pb2 import PAYMENT_MODE_PREPAID

from tests.kubernetes.errors import ClusterError
from tests.kubernetes.kubectl import Kubectl
from tests.support.crowd import a_campaign

MAXIMUM = 20
_HOLD_SECONDS = 600
_KNOWN_SECONDS = 120.0
_CALL_SECONDS = 30.0


async def service_key(kubectl: Kubectl) -> str:
    """Read the services' own key from where they have it."""
    secret = await kubectl.object("secret", "groupbuy")
    return base64.b64decode(secret["data"]["service-key"]).decode()


async def make_platform(addresses: Mapping[str, str], internal_key: str) -> str:
    """Make a platform and give its key, when all three services know it."""
    async with grpc.aio.insecure_channel(addresses["team_formation"]) as channel:
        request = CreatePlatformRequest(name="cluster test")
        made = await TeamFormationInternalStub(channel).CreatePlatform(
            request, metadata=_as(internal_key), timeout=_CALL_SECONDS
        )
    questions: Mapping[str, Any] = {
        "pricing": lambda channel, **how: PricingStub(channel).GetPrice(GetPriceRequest(team_id="none"), **how),
        "notification": lambda channel, **how: NotificationStub(channel).GetMember(
            GetMemberRequest(member_id="none"), **how
        ),
    }
    for service, ask in questions.items():
        async with grpc.aio.insecure_channel(addresses[service]) as channel:
            await _known(service, lambda ask=ask, channel=channel: ask(channel, metadata=_as(made.key), timeout=5))
    return str(made.key)


async def make_campaign(address: str, key: str, name: str) -> str:
    """Make a campaign of mangoes with teams of up to 20, and give its id."""
    async with grpc.aio.insecure_channel(address) as channel:
        request = a_campaign(name, MAXIMUM, PAYMENT_MODE_PREPAID, _HOLD_SECONDS)
        made = await TeamFormationStub(channel).CreateCampaign(request, metadata=_as(key), timeout=_CALL_SECONDS)
    return str(made.campaign.campaign_id)


async def _known(service: str, ask: Any) -> None:
    """Wait until a service knows the key: then it refuses what is asked for another reason."""
    ends = asyncio.get_running_loop().time() + _KNOWN_SECONDS
    while asyncio.get_running_loop().time() < ends:
        try:
            await ask()
        except grpc.aio.AioRpcError as error:
            if error.code() not in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE}:
                return
            await asyncio.sleep(0.2)
        else:
            return
    raise ClusterError(f"{service} did not hear of the platform within {_KNOWN_SECONDS:.0f} s.")


def _as(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)
