"""Sets the scene for a trial: has the shop told of settlements, and offers what offer.json says; again, the same."""

import asyncio
import json
import os
import sys
from pathlib import Path

import grpc
from google.protobuf.json_format import ParseDict
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.notification.v1.platform_webhooks_pb2 import PutWebhookEndpointRequest, WebhookEndpoint
from groupbuy.team_formation.v1.team_formation_service_pb2 import CreateCampaignRequest

from .__main__ import from_variables

SHOP = f"http://127.0.0.1:{os.environ.get('SHOP_PORT', '8000')}"
MESSAGES = os.environ.get("GROUPBUY_NOTIFICATION", "127.0.0.1:7103")
PAGES = os.environ.get("GROUPBUY_PUBLIC_URL", "http://127.0.0.1:7180")


async def main() -> None:
    """Print the webhooks' secret, and beside it where a buyer begins."""
    engine = from_variables()
    endpoint = WebhookEndpoint(url=f"{SHOP}/groupbuy", types=["settlement.*", "team.seat_*"], in_order=True)
    put = PutWebhookEndpointRequest(request_id="shop-endpoint", endpoint=endpoint)
    messages = NotificationStub(grpc.aio.insecure_channel(MESSAGES))
    print((await engine.ask(messages.PutWebhookEndpoint, put)).secret)
    offer = ParseDict(json.loads(Path(__file__).with_name("offer.json").read_text()), CreateCampaignRequest())
    offer.presentation.checkout_url = f"{SHOP}/checkout"
    made = await engine.ask(engine.teams.CreateCampaign, offer)
    print(f"{PAGES}/c/{made.campaign.campaign_id.removeprefix('camp_')}", file=sys.stderr)


asyncio.run(main())
