"""The Python client believes what the engine signs, and nothing else."""

import json
from base64 import b64decode
from typing import Any

import pytest
from groupbuy_client import WebhookError, verify_webhook
from groupbuy_client.handover import HandoverError, verify_handover

from tests.support.client_vectors import BODY, handovers, webhooks


@pytest.mark.parametrize("post", webhooks(), ids=lambda post: post["about"])
def test_a_post(post: dict[str, Any]) -> None:
    body = b64decode(post["body"])
    if post["good"]:
        event = verify_webhook(post["headers"], body, post["secret"], now=post["now"])
        assert (event.type, event.data) == ("team.seat_confirmed", json.loads(BODY)["data"])
        assert event.event_id == "0199c3b0-0000-7000-8000-000000000001"
    else:
        with pytest.raises(WebhookError):
            verify_webhook(post["headers"], body, post["secret"], now=post["now"])


@pytest.mark.parametrize("case", handovers(), ids=lambda case: case["about"])
def test_a_token(case: dict[str, Any]) -> None:
    given = (case["token"], case["jwks"], case["issuer"], case["platform_id"])
    if case["reason"]:
        with pytest.raises(HandoverError) as refused:
            verify_handover(*given, now=case["now"])
        assert refused.value.reason == case["reason"]
    else:
        assert verify_handover(*given, now=case["now"]).token_id == case["token_id"]
