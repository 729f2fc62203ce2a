"""Tells lines, reports and facts of payments, and notes for the stream of settlements which numbers were told."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.chassis import trace
from services.chassis.work import Work
from services.pricing import domain, store, translate

WAKE_CHANNEL = "groupbuy_settlements"


async def tell_settled(
    work: Work,
    settled: Sequence[translate.Settled],
    merchants: Mapping[tuple[UUID, UUID], str],
) -> None:
    """Tell events of locked teams, in the order of their numbers; their rows are written already."""
    if not settled:
        return
    for item in settled:
        if isinstance(item, domain.SettlementLine):
            trace.caused_by(item.cause_event_id)
        work.tell(translate.settled_message(item))
    await store.insert_feed(work.connection, _spans(settled, merchants))
    work.call(WAKE_CHANNEL)


def _spans(settled: Sequence[translate.Settled], merchants: Mapping[tuple[UUID, UUID], str]) -> list[store.Span]:
    """Give the numbers of each team; they follow each other without a gap."""
    spans: dict[tuple[UUID, UUID], store.Span] = {}
    for item in settled:
        key = (item.campaign_id, item.team_id)
        first = spans[key].first_sequence if key in spans else item.sequence
        spans[key] = store.Span(*key, first, item.sequence, item.platform_id, merchants[key])
    return list(spans.values())
