"""Between protobuf and the values of the domain, and the English sentences; the only package that knows both."""

from services.pricing.translate.answers import explanation, price_now
from services.pricing.translate.campaigns import CAMPAIGN_TOPIC, campaign
from services.pricing.translate.events import (
    PRICE_TOPIC,
    SETTLEMENT_TOPIC,
    TEAM_TOPIC,
    price_message,
    settlement_message,
)
from services.pricing.translate.facts import full_name, team_fact
from services.pricing.translate.lines import line
from services.pricing.translate.sentences import explain_move, explain_seat, money_text
from services.pricing.translate.words import (
    BASES,
    PLATFORM,
    ROLES,
    SEAT,
    TEAM,
    event_time,
    known_currency,
    money,
    price_step,
    price_table,
    read_ladder,
    read_list_prices,
    read_price_table,
    seat_id,
    team_id,
)

__all__ = [
    "BASES",
    "CAMPAIGN_TOPIC",
    "PLATFORM",
    "PRICE_TOPIC",
    "ROLES",
    "SEAT",
    "SETTLEMENT_TOPIC",
    "TEAM",
    "TEAM_TOPIC",
    "campaign",
    "event_time",
    "explain_move",
    "explain_seat",
    "explanation",
    "full_name",
    "known_currency",
    "line",
    "money",
    "money_text",
    "price_message",
    "price_now",
    "price_step",
    "price_table",
    "read_ladder",
    "read_list_prices",
    "read_price_table",
    "seat_id",
    "settlement_message",
    "team_fact",
    "team_id",
]
