"""The whole story of a seat: its events, every move of its price, settlement, messages, and the price explained."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groupbuy.notification.v1.notification_service_pb2 import ListDeliveriesRequest
from groupbuy.pricing.v1.explanations_pb2 import ListPriceChangesRequest
from groupbuy.pricing.v1.pricing_service_pb2 import ExplainPriceRequest
from groupbuy.pricing.v1.settlements_pb2 import ListSettlementsRequest
from groupbuy.team_formation.v1.history_pb2 import ListSeatEventsRequest

from deploy.story.explained import line_text
from deploy.story.happened import happened
from deploy.story.money import awaited, reported
from deploy.story.shop import Shop
from deploy.story.words import amount, at, fact_name, minor, word


@dataclass(frozen=True)
class Story:
    """What the services say about one seat."""

    seat: Any
    events: tuple[Any, ...]
    complete: bool
    """Whether the events reach back to the team's opening."""
    changes: tuple[Any, ...]
    currency: str
    explained: Any
    deliveries: tuple[Any, ...]
    settlements: tuple[Any, ...] = ()
    """Its lines with what the platform reported about them, and what was told about their payment."""


def gather(shop: Shop, seat: Any, language: str = "") -> Story:
    """Ask the services for all they have about a seat."""
    complete, events = True, []
    request = ListSeatEventsRequest(seat_id=seat.seat_id, page_size=1000)
    while True:
        page = shop.ask(shop.teams.ListSeatEvents, request)
        events += page.events
        complete = complete and page.complete
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    changes = tuple(shop.pages(shop.prices.ListPriceChanges, ListPriceChangesRequest(team_id=seat.team_id), "changes"))
    explained = shop.ask(shop.prices.ExplainPrice, ExplainPriceRequest(seat_id=seat.seat_id, language=language))
    wanted = ListDeliveriesRequest(team_id=seat.team_id, member_id=seat.member_id, seat_id=seat.seat_id)
    deliveries = tuple(shop.pages(shop.messages.ListDeliveries, wanted, "deliveries")) if seat.member_id else ()
    settlements = tuple(
        shop.pages(shop.prices.ListSettlements, ListSettlementsRequest(seat_id=seat.seat_id), "settlements")
    )
    return Story(seat, tuple(events), complete, changes, explained.currency, explained, deliveries[::-1], settlements)


def story_lines(story: Story, *, buyer: bool) -> Iterator[str]:
    """Tell it line by line: to a buyer without payment references, other members and the platform's own notes."""
    seat = story.seat
    order = f", order {seat.external_ref}" if seat.external_ref and not buyer else ""
    whose = "" if buyer else f" of {seat.member_id or 'nobody'}"
    yield f"{seat.seat_id}{whose}{order}"
    yield f"of {seat.team_id}"
    yield ""
    if not story.complete:
        yield "  what happened before is not kept any more"
    told = [*_events(story, buyer=buyer), *_moves(story), *_lines(story), *_money(story, buyer=buyer)]
    entries = sorted(told, key=lambda entry: entry[:3])
    yield from (f"  {time}  version {version:<4} {text}" for version, _, time, text in entries)
    if story.deliveries:
        yield ""
        yield "messages"
        yield from (f"  {_message(delivery, buyer=buyer)}" for delivery in story.deliveries)
    yield ""
    yield story.explained.sentence


def _events(story: Story, *, buyer: bool) -> Iterator[tuple[int, int, str, str]]:
    for event in story.events:
        yield event.sequence, 0, at(event.occurred_at), happened(event, story.seat, buyer=buyer)


def _moves(story: Story) -> Iterator[tuple[int, int, str, str]]:
    """Every move of the seat's own price from when it was taken until it was gone."""
    taken = [event.sequence for event in story.events if event.WhichOneof("fact") in _TAKEN]
    gone = [event.sequence for event in story.events if event.WhichOneof("fact") in _GONE]
    for change in story.changes:
        if change.team_version < min(taken, default=0) or change.team_version > max(gone, default=change.team_version):
            continue
        for move in change.moves:
            if (move.sku, move.role) != (story.seat.sku, story.seat.role) or move.old_unit_price == move.new_unit_price:
                continue
            yield change.team_version, 1, at(change.occurred_at), _moved(change, move, story.currency)


_TAKEN = {"seat_held", "seat_waitlisted", "seat_sponsored"}
_GONE = {"seat_released", "seat_defaulted"}


def _moved(change: Any, move: Any, currency: str) -> str:
    fell = "fell" if move.new_unit_price < move.old_unit_price else "rose"
    prices = f"{minor(move.old_unit_price, currency)} to {minor(move.new_unit_price, currency)}"
    return (
        f"the price {fell} from {prices}: fill {change.fill} instead of {change.old_fill} ({fact_name(change.cause)})"
    )


def _lines(story: Story) -> Iterator[tuple[int, int, str, str]]:
    """The settlement lines, beside the events that caused them; at the end where those are not kept any more."""
    causes = {event.event_id: event for event in story.events}
    for line in story.explained.lines:
        cause = causes.get(line.cause_event_id)
        when = (cause.sequence, 2, at(cause.occurred_at)) if cause else (story.explained.team_version, 2, " " * 19)
        yield (*when, f"settled, {line_text(line)}")


def _money(story: Story, *, buyer: bool) -> Iterator[tuple[int, int, str, str]]:
    """What the platform reported about the seat's lines, and what was told about their payment.

    A buyer is told what was done and what is due, not how far the platform is with its provider.
    """
    for settlement in story.settlements:
        for report in settlement.reports:
            if text := reported(report, buyer=buyer):
                yield _version_at(story, report.reported_at), 3, at(report.reported_at), text
        for event in settlement.payment_events:
            if text := awaited(event, buyer=buyer):
                yield event.team_version, 3, at(event.occurred_at), text


def _version_at(story: Story, stamp: Any) -> int:
    """The team's version at a time, as far as its events are kept: a report is told after what it is about."""
    when = stamp.ToDatetime()
    before = [int(event.sequence) for event in story.events if event.occurred_at.ToDatetime() <= when]
    return max(before, default=int(story.explained.team_version))


def _message(delivery: Any, *, buyer: bool) -> str:
    told = f"{at(delivery.created_at)}  {word(delivery, 'kind')}: {word(delivery, 'state')}"
    if buyer:
        return f'{told}  "{delivery.subject}"'
    tries = ", ".join(f"{attempt.channel} {attempt.outcome}" for attempt in delivery.attempts)
    reason = f" ({delivery.reason})" if delivery.reason else ""
    by = f" ({tries})" if tries else ""
    return f'{told}{reason}{by}  "{delivery.subject}"'


def cap_text(seat: Any) -> str:
    """Write a seat's cap, where it has one."""
    return f"cap {amount(seat.cap)}" if seat.cap_fill else "no cap yet"
