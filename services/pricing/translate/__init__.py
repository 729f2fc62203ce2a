"""Between protobuf and the values of the domain, and the English sentences; the only package that knows both."""

from services.pricing.translate.amounts import money_text
from services.pricing.translate.answers import price_now
from services.pricing.translate.campaigns import CAMPAIGN_TOPIC, campaign
from services.pricing.translate.demand import DEMAND_TOPIC
from services.pricing.translate.events import (
    PRICE_TOPIC,
    SETTLEMENT_TOPIC,
    TEAM_TOPIC,
    price_message,
)
from services.pricing.translate.explanations import explanation, price_change, team_explanation
from services.pricing.translate.facts import full_name, team_fact
from services.pricing.translate.lines import line
from services.pricing.translate.quotes import quote, quote_keys, signed_quote
from services.pricing.translate.reports import (
    READ_STATES,
    Settled,
    beneficiary_line,
    merchant_record,
    read_reports,
    report,
    report_event,
    reported_line,
    settled_event,
    settled_message,
    settlement,
)
from services.pricing.translate.sentences import (
    explain_move,
    explain_seat,
)
from services.pricing.translate.simulation import simulated
from services.pricing.translate.tallies import (
    TALLY_TOPIC,
    campaign_price_message,
    read_tally,
    tally_answer,
    tally_message,
)
from services.pricing.translate.words import (
    BASES,
    CAMPAIGN,
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
    read_references,
    references,
    seat_id,
    team_id,
)

__all__ = [
    "BASES",
    "CAMPAIGN",
    "CAMPAIGN_TOPIC",
    "DEMAND_TOPIC",
    "PLATFORM",
    "PRICE_TOPIC",
    "READ_STATES",
    "ROLES",
    "SEAT",
    "SETTLEMENT_TOPIC",
    "TALLY_TOPIC",
    "TEAM",
    "TEAM_TOPIC",
    "Settled",
    "beneficiary_line",
    "campaign",
    "campaign_price_message",
    "event_time",
    "explain_move",
    "explain_seat",
    "explanation",
    "full_name",
    "known_currency",
    "line",
    "merchant_record",
    "money",
    "money_text",
    "price_change",
    "price_message",
    "price_now",
    "price_step",
    "price_table",
    "quote",
    "quote_keys",
    "read_ladder",
    "read_list_prices",
    "read_price_table",
    "read_references",
    "read_reports",
    "read_tally",
    "references",
    "report",
    "report_event",
    "reported_line",
    "seat_id",
    "settled_event",
    "settled_message",
    "settlement",
    "signed_quote",
    "simulated",
    "tally_answer",
    "tally_message",
    "team_explanation",
    "team_fact",
    "team_id",
]
