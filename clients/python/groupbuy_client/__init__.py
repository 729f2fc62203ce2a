"""Calls the group-buying engine over gRPC, and checks its webhooks. Hand-over tokens: groupbuy_client.handover."""

from groupbuy_client.channel import connect, connect_aio, new_request_id
from groupbuy_client.policy import service_config
from groupbuy_client.reasons import Reason, reasons
from groupbuy_client.refusals import Refusal, Refused, refusal_of, refusing
from groupbuy_client.webhooks import WebhookError, WebhookEvent, verify_webhook

__all__ = [
    "Reason",
    "Refusal",
    "Refused",
    "WebhookError",
    "WebhookEvent",
    "connect",
    "connect_aio",
    "new_request_id",
    "reasons",
    "refusal_of",
    "refusing",
    "service_config",
    "verify_webhook",
]
