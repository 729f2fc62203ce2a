"""Tells how one charge follows from the events, line by line."""

from collections.abc import Sequence

from groupbuy.team_formation.v1.events_pb2 import TeamEvent

from deploy.demo.money import money, plain
from deploy.demo.proof.owed import Owed
from deploy.demo.proof.recheck import price_at


def in_words(events: Sequence[TeamEvent], owed: Owed, name: str, end: int) -> list[str]:
    """Show how one charge follows from the events, line by line; `end` is the fill that the team ended with."""
    opened = next(event.team_opened for event in events if event.WhichOneof("fact") == "team_opened")
    table, currency = opened.price_table, opened.price_table.currency
    held = next(
        event
        for event in events
        if event.WhichOneof("fact") == "seat_held" and event.seat_held.seat.seat_id == owed.seat_id
    )
    seat = held.seat_held.seat
    cap, at_end = price_at(table, seat, seat.cap_fill), price_at(table, seat, end)
    taken = f"with it the fill was {seat.cap_fill}, so the cap is {plain(cap, currency)}"
    charged = f"charged the lower one, {plain(owed.unit_price, currency)} x {seat.quantity}"
    given, kept = plain(owed.given, currency), plain(owed.kept, currency)
    return [
        f"{name} took the seat at version {held.sequence}: {taken}",
        f"the team ended with fill {end}: price {plain(at_end, currency)}; {charged}",
        f"given {given} - charged {kept} = back {money(owed.back, currency)}",
    ]
