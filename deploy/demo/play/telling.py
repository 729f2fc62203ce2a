"""Puts events into words: their facts, what they mean to somebody who has called nothing, prices, settlement lines."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from groupbuy.pricing.v1.events_pb2 import PriceEvent, SettlementCause, SettlementEvent
from groupbuy.pricing.v1.ladder_pb2 import Role
from groupbuy.team_formation.v1.events_pb2 import TeamEvent

from deploy.demo.journal import Note
from deploy.demo.money import money, plain
from deploy.demo.show.text import counted

MANY = 6
"""More than so many things alike are summed up in one line."""


def meaning(event: TeamEvent, name_of: Callable[[str], str]) -> str:
    """Tell what an event means to a member who has called nothing; empty where its name says all."""
    match event.WhichOneof("fact"):
        case "seat_held" if event.seat_held.from_waitlist:
            seat = event.seat_held.seat
            most = money(seat.cap.minor_units * seat.quantity, seat.cap.currency)
            return f"{name_of(seat.member_id)} is next: a seat, for {most} at most"
        case "leader_changed":
            name = name_of(event.leader_changed.seat.member_id)
            return f"{name} leads from now on" if name else "nobody leads until somebody pays"
    return ""


def together(events: Sequence[tuple[float, TeamEvent]]) -> Iterator[tuple[float, list[TeamEvent]]]:
    """Group events by the moment at which they came; many of them are one group, at the last moment."""
    if len(events) > MANY:
        yield events[-1][0], [event for _, event in events]
        return
    for at, group in groupby(events, key=lambda pair: pair[0]):
        yield at, [event for _, event in group]


def facts(events: Sequence[TeamEvent]) -> str:
    """Name the facts of events: SeatHeld, or `300 SeatHeld` where there are several."""
    names = Counter("".join(map(str.title, (event.WhichOneof("fact") or "").split("_"))) for event in events)
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in names.items())


def settled(notes: Sequence[Note], team_id: str) -> Iterator[tuple[float, str]]:
    """Sum up the settlement lines of a team by their cause, each with the moment of the last one."""
    events = [(note.at, note.what) for note in notes if isinstance(note.what, SettlementEvent)]
    lines = [
        (at, event.settlement_line_recorded.line)
        for at, event in events
        if event.team_id == team_id and event.HasField("settlement_line_recorded")
    ]
    for cause, count in Counter(line.cause for _, line in lines).items():
        name = SettlementCause.Name(cause).removeprefix("SETTLEMENT_CAUSE_")
        yield max(at for at, line in lines if line.cause == cause), f"{counted(count, 'settlement line')}: {name}"


def price(event: PriceEvent) -> str:
    """Tell how a price has moved, or that it is about to."""
    name = event.WhichOneof("fact")
    words = "" if event.team_id else "all teams: "
    if name in {"next_tier_came_near", "campaign_next_tier_came_near"}:
        near = event.next_tier_came_near if event.team_id else event.campaign_next_tier_came_near
        move = next(move for move in near.moves if move.role == Role.ROLE_MEMBER)
        return f"{words}one more makes it {money(move.next_unit_price, near.currency)}"
    changed = event.price_changed if event.team_id else event.campaign_price_changed
    move = next(move for move in changed.moves if move.role == Role.ROLE_MEMBER)
    words += f"price {plain(move.old_unit_price, changed.currency)} -> {money(move.new_unit_price, changed.currency)}"
    if changed.missing_to_next:
        words += f", {changed.missing_to_next} more: {plain(move.next_unit_price, changed.currency)}"
    return words
