"""Reads tallies, and writes and reads what is counted of a campaign's demand."""

from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from groupbuy.pricing.v1 import demand_pb2, events_pb2

from services.chassis import ids
from services.pricing.domain import demand as counting
from services.pricing.domain.demand import TOTALS, CampaignDemand, CampaignTotals, Window
from services.pricing.translate.words import event_time

TALLY_TOPIC = "groupbuy.tally.v1"
DEMAND_TOPIC = "groupbuy.demand.v1"


def read_totals(message: events_pb2.CampaignTotals) -> CampaignTotals:
    """Read a tally's totals."""
    return CampaignTotals(*(getattr(message, name) for name in TOTALS))


def write_totals(totals: CampaignTotals) -> events_pb2.CampaignTotals:
    """Write a tally's totals."""
    return events_pb2.CampaignTotals(**{name: getattr(totals, name) for name in TOTALS})


def read_tally(tally: events_pb2.TallyEvent) -> tuple[int, datetime, CampaignTotals]:
    """Read a tally: its sequence, when it was taken, its totals."""
    at = tally.occurred_at.ToDatetime(tzinfo=UTC)
    return tally.sequence, at, read_totals(tally.campaign_tallied.totals)


def is_id(text: str) -> bool:
    """Tell whether an event's id is a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def demand_event(
    demand: CampaignDemand, tally: events_pb2.TallyEvent, partition: int, offset: int
) -> events_pb2.DemandEvent:
    """Write the demand counted up to a tally, which was read at this partition and offset."""
    return events_pb2.DemandEvent(
        event_id=str(ids.derived_id(UUID(tally.event_id), DEMAND_TOPIC)),
        platform_id=tally.platform_id,
        sequence=demand.sequence,
        occurred_at=event_time(demand.at) if demand.at else None,
        campaign_id=tally.campaign_id,
        demand_counted=events_pb2.DemandCounted(
            totals=write_totals(demand.totals),
            minutes=map(_written, demand.minutes),
            quarters=map(_written, demand.quarters),
            tally_partition=partition,
            tally_offset=offset,
        ),
    )


def read_demand(event: events_pb2.DemandEvent) -> CampaignDemand:
    """Read what was counted."""
    counted = event.demand_counted
    return CampaignDemand(
        event.sequence,
        event.occurred_at.ToDatetime(tzinfo=UTC),
        read_totals(counted.totals),
        tuple(map(_read, counted.minutes)),
        tuple(map(_read, counted.quarters)),
    )


def _written(window: Window) -> events_pb2.DemandWindow:
    return events_pb2.DemandWindow(
        number=window.number,
        joins=window.joins,
        confirms=window.confirms,
        leaves=window.leaves,
        net_units=window.net_units,
    )


def _read(window: events_pb2.DemandWindow) -> Window:
    return Window(window.number, window.joins, window.confirms, window.leaves, window.net_units)


def demand_now(event: events_pb2.DemandEvent, missing_units: int, now: datetime) -> demand_pb2.Demand:
    """Answer how a campaign sells at a time, from what was counted."""
    demand = read_demand(event)
    per_minute = counting.units_per_minute(demand, now)
    seconds = counting.seconds_to(missing_units, per_minute)
    return demand_pb2.Demand(
        campaign_id=event.campaign_id,
        tally_seq=event.sequence,
        tallied_at=event.occurred_at,
        as_of=event_time(now),
        totals=event.demand_counted.totals,
        rates=map(_rate, counting.rates(demand, now)),
        formed_share=counting.formed_share(demand.totals),
        units_per_minute=per_minute,
        time_to_missing=None if seconds is None else _span(seconds),
    )


def _rate(rate: counting.Rate) -> demand_pb2.DemandRate:
    return demand_pb2.DemandRate(
        span=_span(rate.span),
        joins_per_minute=rate.joins,
        confirms_per_minute=rate.confirms,
        leaves_per_minute=rate.leaves,
    )


def _span(seconds: float) -> Duration:
    return Duration(seconds=round(seconds))
