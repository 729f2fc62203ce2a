"""Protobuf to domain values and back: the only files, with rpc.py, that know the wire."""

from services.notification.translate.reading import (
    Unreadable,
    campaign_key,
    is_of_campaign,
    paid_line,
    payment_due,
    price_fact,
    settled,
    team_fact,
    team_key,
)
from services.notification.translate.wire import (
    DELIVERY_TOPIC,
    delivery_ended,
    kind_number,
    kind_of,
    member_of,
    quiet_of,
    wire_delivery,
    wire_member,
)

__all__ = [
    "DELIVERY_TOPIC",
    "Unreadable",
    "campaign_key",
    "delivery_ended",
    "is_of_campaign",
    "kind_number",
    "kind_of",
    "member_of",
    "paid_line",
    "payment_due",
    "price_fact",
    "quiet_of",
    "settled",
    "team_fact",
    "team_key",
    "wire_delivery",
    "wire_member",
]
