"""Ids, amounts and times on the wire."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.money.v1 import money_pb2

from services.chassis import ids

PLATFORM, CAMPAIGN, TEAM, SEAT, INVITE = "plat", "camp", "team", "seat", "inv"
TEAM_TOPIC = "groupbuy.team.v1"
CAMPAIGN_TOPIC = "groupbuy.campaign.v1"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86_400


def money(minor_units: int, currency: str) -> money_pb2.Money:
    """Make an amount."""
    return money_pb2.Money(minor_units=minor_units, currency=currency)


@lru_cache(maxsize=1024)
def time(at: datetime | None) -> Timestamp | None:
    """Make a timestamp; None stays unset. It is shared, so it must not be changed: a batch has few times."""
    if at is None:
        return None
    since = at - _EPOCH
    return Timestamp(seconds=since.days * _DAY_SECONDS + since.seconds, nanos=since.microseconds * 1000)


def from_time(stamp: Timestamp) -> datetime:
    """Read a timestamp; ValueError or OverflowError where it is out of range."""
    return stamp.ToDatetime(tzinfo=UTC)


def duration(span: timedelta) -> Duration:
    """Make a duration."""
    message = Duration()
    message.FromTimedelta(span)
    return message


def campaign_id(campaign: UUID) -> str:
    """Write a campaign's id."""
    return ids.opaque(CAMPAIGN, campaign)


def team_id(campaign: UUID, team: UUID) -> str:
    """Write a team's id."""
    return ids.opaque(TEAM, campaign, team)


def seat_id(campaign: UUID, seat: UUID) -> str:
    """Write a seat's id."""
    return ids.opaque(SEAT, campaign, seat)


def invite_id(campaign: UUID, invite: UUID) -> str:
    """Write an invite's id."""
    return ids.opaque(INVITE, campaign, invite)
