"""What the steps of a scene may name: members, items, chats, promoters, and the words of the engine."""

from dataclasses import dataclass, field

from groupbuy.notification.v1.events_pb2 import MessageKind
from groupbuy.pricing.v1.deliveries_pb2 import RefusalReason
from groupbuy.pricing.v1.events_pb2 import SettlementCause
from groupbuy.team_formation.v1.reports_pb2 import ReportBy
from groupbuy.team_formation.v1.types_pb2 import CampaignState, ReleaseReason, SeatState, TeamState

from deploy.demo.scene.table import Table
from services.chassis.reasons import reasons

PARTS = ("team_formation", "pricing", "notification", "kafka", "postgres")
CHANNELS = ("console", "email", "webhook", "telegram", "slack", "wechat")
MESSENGERS = CHANNELS[3:]
GROUPS = ("telegram",)
"""Messengers with a group chat."""
ALL = "all"
NOBODY = "nobody"


def _words(prefix: str, names: list[str], *without: str) -> tuple[str, ...]:
    """Give the values of an enum without their prefix, in small letters, and without the one that is never sent."""
    words = [name.removeprefix(prefix).lower() for name in names[1:]]
    return tuple(word for word in words if word not in without)


STATES = _words("TEAM_STATE_", TeamState.keys())
SEATS = _words("SEAT_STATE_", SeatState.keys(), "released") + _words("RELEASE_REASON_", ReleaseReason.keys())
CAMPAIGN_STATES = _words("CAMPAIGN_STATE_", CampaignState.keys())
REFUSALS = _words("REFUSAL_REASON_", RefusalReason.keys())
PARTS_OF_REPORTS = _words("REPORT_BY_", ReportBy.keys())
KINDS = tuple(name.removeprefix("MESSAGE_KIND_") for name in MessageKind.keys()[1:])
CAUSES = tuple(name.removeprefix("SETTLEMENT_CAUSE_") for name in SettlementCause.keys()[1:])


@dataclass
class Known:
    """The members, the items, and the chats and promoters so far."""

    currency: str
    skus: tuple[str, ...]
    members: frozenset[str]
    chats: list[str] = field(default_factory=list)
    promoters: list[str] = field(default_factory=list)


def refused(table: Table) -> str:
    """Read the reason with which the engine must say no; empty where it must not."""
    return table.word("refused", reasons()) if table.has("refused") else ""
