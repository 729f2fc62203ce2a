"""Writes what the decisions of a batch changed: one statement per table, sent once for each campaign."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import requests, trace
from services.chassis.work import Work
from services.team_formation import store
from services.team_formation.codes import InviteCodes, hash_code
from services.team_formation.domain import FactKind, Seat, Team, TeamState, Terms, Visibility
from services.team_formation.handlers.book import Book
from services.team_formation.store import abuse

Row = TypeVar("Row", Team, Seat)


async def save_rows(connection: AsyncConnection[TupleRow], codes: InviteCodes, books: Sequence[Book]) -> None:
    """Send the rows that changed on their way; nothing is waited for."""
    await _save_teams(connection, books)
    await _save_seats(connection, books)
    for book in books:
        if book.erased and book.locks_members:
            await store.forget_members(connection, book.platform_id, book.campaign_id, list(book.erased))
        await _save_rest(connection, codes, book)
    await _save_signs(connection, books)
    await _save_stock(connection, books)


async def save_decided(work: Work, books: Sequence[Book]) -> None:
    """Tell the facts, in order, and write the requests last of all (see chassis/requests.py)."""
    for book in books:
        for fact, traceparent in zip(book.changes.facts, book.changes.traces, strict=True):
            trace.go_on(traceparent)
            work.tell(book.scribe.message(fact, book.terms(fact.team), book.campaign))
    await requests.store(work.connection, [book.changes.decided for book in books if book.changes.decided])


async def _save_teams(connection: AsyncConnection[TupleRow], books: Sequence[Book]) -> None:
    new = [(book.campaign_id, [book.teams[team] for team in sorted(book.changes.new_teams)]) for book in books]
    await store.insert_teams(connection, _some(new))
    old = [
        (book.campaign_id, [book.teams[team] for team in book.changes.teams - book.changes.new_teams]) for book in books
    ]
    await store.update_teams(connection, _some(old))


async def _save_seats(connection: AsyncConnection[TupleRow], books: Sequence[Book]) -> None:
    changed = [(book, [book.seats[seat_id] for seat_id in book.changes.seats]) for book in books]
    old = [(book.campaign_id, [s for s in seats if s.seat_id in book.changes.stored]) for book, seats in changed]
    new = [
        (book.campaign_id, _in_order(book, [s for s in seats if s.seat_id not in book.changes.stored]))
        for book, seats in changed
    ]
    await store.update_seats(connection, _some(old))
    await store.insert_seats(connection, _some(new))


async def _save_signs(connection: AsyncConnection[TupleRow], books: Sequence[Book]) -> None:
    """Keep by which tags seats were taken until they end, and count them for their invites."""
    tags = [(book.platform_id, book.campaign_id, book.signs.tags, book.now) for book in books if book.signs.tags]
    joins = [
        (book.platform_id, book.campaign_id, list(book.signs.joins.items()), book.now)
        for book in books
        if book.signs.joins
    ]
    await abuse.insert_seat_tags(connection, tags)
    await abuse.add_joins(connection, joins)
    looking = [(book, book.ended_seats()) for book in books if book.signs.keeps_tags]
    ended = [(book.platform_id, book.campaign_id, seats) for book, seats in looking if seats]
    await abuse.end_seat_tags(connection, ended)


def _in_order(book: Book, seats: list[Seat]) -> list[Seat]:
    """Order new seats by their quotes, where there are any: transactions do not wait in a circle for each other's."""
    return sorted(seats, key=lambda seat: seat.quote.quote_id.int if seat.quote else 0) if book.quote_ids else seats


async def _save_stock(connection: AsyncConnection[TupleRow], books: Sequence[Book]) -> None:
    """Count what was taken, last: teams that ended in this batch have given their units back by then.

    Who waits for them in teams that this batch did not look at, or not afterwards, is seen to by the next timer.
    """
    taken = [(book.campaign_id, book.stock_taken()) for book in books]
    await store.take_stock(connection, [(campaign, units) for campaign, units in taken if units])
    await store.wake_waiting(connection, [(book.campaign_id, book.now) for book in books if book.frees_stock()])


async def _save_rest(connection: AsyncConnection[TupleRow], codes: InviteCodes, book: Book) -> None:
    changes = book.changes
    for team, state, reason in changes.released:
        await store.release_all(connection, team, state, reason, book.now)
    for fact in changes.facts:
        if fact.kind is FactKind.TEAM_RESCHEDULED and not book.has_all_held(fact.team):
            await store.shorten_holds(connection, fact.team, fact.at)
    late = [fact for fact in changes.facts if fact.kind is FactKind.LATE_PAYMENT_REPORTED]
    if payments := [(fact.seat, fact.payment_reference, fact.amount, fact.at) for fact in late if fact.seat]:
        await store.insert_late_payments(connection, book.campaign_id, payments)
    if changes.new_invites:
        hashed = [(item, hash_code(codes.code(item.invite_id)) or b"") for item in changes.new_invites]
        await store.insert_invites(connection, book.campaign_id, hashed)
    if changes.invites:
        invites = [book.invites[invite_id] for invite_id in changes.invites]
        await store.update_invites(connection, invites)
    await _save_listed(connection, book)


async def _save_listed(connection: AsyncConnection[TupleRow], book: Book) -> None:
    touched = (book.teams[team_id] for team_id in book.changes.teams | book.changes.new_teams)
    listed = [team for team in touched if book.terms(team).rules.visibility is Visibility.LISTED]
    if not listed:
        return
    forming = [(team, *_fill(team, book.terms(team))) for team in listed if team.state is TeamState.FORMING]
    if forming:
        await store.list_teams(connection, book.campaign_id, forming)
    if others := [team.team_id for team in listed if team.state is not TeamState.FORMING]:
        await store.unlist_teams(connection, book.campaign_id, others)


def _some(rows: Iterable[tuple[UUID, list[Row]]]) -> list[tuple[UUID, list[Row]]]:
    return [(campaign, own) for campaign, own in rows if own]


def _fill(team: Team, terms: Terms) -> tuple[int, int]:
    taken = team.totals.taken(terms.rules.counted_in)
    return taken, terms.rules.maximum - taken
