"""Fills the books of a batch: locks in one order over all its campaigns, then reads what else its commands concern.

Each statement is sent once for every campaign that needs it, phase by phase: campaigns (where teams may be opened),
stock, members, teams. Nothing is waited for until all that can be named from the commands alone is on its way.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import erased_rows, requests
from services.chassis.errors import Raced
from services.chassis.requests import Answers
from services.chassis.rows import Asked
from services.team_formation import domain, store
from services.team_formation.catalogue import Catalogue
from services.team_formation.domain import OnFull, SeatState, Team, TeamState
from services.team_formation.handlers import book as limits
from services.team_formation.handlers.book import Book
from services.team_formation.store import abuse

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Phase(Generic[Item]):
    """A statement on its way for some of the books."""

    books: Sequence[Book]
    asked: Asked[Item]
    take: Callable[[Book, list[Item]], object]

    async def receive(self) -> None:
        for book, rows in zip(self.books, await self.asked.all(), strict=True):
            self.take(book, rows)


async def load(connection: AsyncConnection[TupleRow], catalogue: Catalogue, books: Sequence[Book]) -> None:
    """Lock and load what the commands concern; Raced where something should have been locked that was not known of."""
    phases = [*await _lock(connection, catalogue, books), *await _read(connection, catalogue, books)]
    for phase in phases:
        await phase.receive()
    for book in books:
        await _find_terms(connection, catalogue, book)
    await _check_locked(connection, catalogue, books)
    for book in books:
        book.has_waitlists = catalogue.has_waitlists(book.campaign_id)
    await _load_more(connection, catalogue, books)


async def _lock(
    connection: AsyncConnection[TupleRow], catalogue: Catalogue, books: Sequence[Book]
) -> list[_Phase[Any]]:
    owned = [book for book in books if catalogue.owns(book.platform_id, book.campaign_id)]
    opening = [book for book in owned if book.opens or catalogue.overflows(book.campaign_id)]
    stocked = [book for book in owned if catalogue.has_stock(book.campaign_id)]
    limited = [book for book in owned if _locks_members(catalogue, book)]
    teams = [book for book in books if book.team_ids or book.seat_ids]
    for book in books:
        book.keeps_campaign = book in opening
        book.locks_stock = book in stocked
        book.locks_members = book in limited
        book.look_for_signs(catalogue.abuse_rules(book.campaign_id) if book in owned else ())
    phases: list[_Phase[Any]] = []
    if opening:
        wanted = [(book.platform_id, book.campaign_id) for book in opening]
        phases.append(_Phase(opening, await store.keep_campaigns(connection, wanted), _take_version))
    if stocked:
        asked = await store.lock_stock(connection, [(book.platform_id, book.campaign_id) for book in stocked])
        phases.append(_Phase(stocked, asked, Book.take_stock))
    await store.lock_members(
        connection, [(book.platform_id, book.campaign_id, book.member_ids, book.seat_ids) for book in limited]
    )
    if teams:
        locked = await store.lock_teams(
            connection, [(book.platform_id, book.campaign_id, book.team_ids, book.seat_ids) for book in teams]
        )
        phases.append(_Phase(teams, locked, _take_teams))
    return phases


async def _read(
    connection: AsyncConnection[TupleRow], catalogue: Catalogue, books: Sequence[Book]
) -> list[_Phase[Any]]:
    """Read what is so now that the locks are held: what was decided before, seats, invites."""
    phases: list[_Phase[Any]] = []

    async def ask(
        of: Iterable[Book],
        statement: Callable[..., Any],
        wanted: Callable[[Book], Any],
        take: Callable[[Book, list[Any]], object],
    ) -> None:
        if concerned := list(of):
            phases.append(_Phase(concerned, await statement(connection, list(map(wanted, concerned))), take))

    with_members = (book for book in books if book.member_ids or book.seat_ids)
    with_seats = [book for book in books if book.seat_ids]
    with_invites = (book for book in books if book.invite_ids)
    filling = (book for book in books if catalogue.fills_ladder(book.campaign_id))
    openers = (book for book in books if book.keeps_campaign and book.locks_members)
    await ask((book for book in books if book.keys), requests.known, lambda book: book.keys, _take_answers)
    naming = (book for book in books if book.named)
    await ask(naming, erased_rows.look_up, lambda book: (book.platform_id, book.named), Book.take_erased)
    await ask(with_members, store.load_live_of_members, _members_wanted, Book.take_seats)
    await ask(with_seats, store.load_seats, _seats_wanted, Book.take_seats)
    await ask(with_seats, store.load_late_payments, _seats_wanted, Book.take_late)
    await ask(with_invites, store.load_invites, _invites_wanted, Book.take_invites)
    with_quotes = (book for book in books if book.quote_ids)
    await ask(with_quotes, store.find_used_quotes, _quotes_wanted, Book.take_used_quotes)
    await ask(openers, store.count_opened, lambda book: (book.campaign_id, book.member_ids), Book.take_opened)
    await ask(filling, store.load_tallies, lambda book: book.campaign_id, Book.take_tally)
    looking = [book for book in books if book.signs.rules]
    tagged = (book for book in looking if book.signs.marks_wanted())
    await ask(tagged, abuse.load_tagged, _marks_wanted, lambda book, rows: book.signs.take_tagged(rows))
    made = (book for book in looking if book.signs.makers_wanted())
    await ask(made, abuse.load_devices_of_makers, _makers_wanted, lambda book, rows: book.signs.take_devices(rows))
    rated = (book for book in looking if book.signs.joins_wanted()[0])
    await ask(rated, abuse.count_joins, _joins_wanted, lambda book, rows: book.signs.take_joins(rows))
    return phases


def _members_wanted(book: Book) -> tuple[Any, ...]:
    return book.platform_id, book.campaign_id, book.member_ids, book.seat_ids


def _seats_wanted(book: Book) -> tuple[Any, ...]:
    return book.platform_id, book.campaign_id, book.seat_ids


def _quotes_wanted(book: Book) -> tuple[Any, ...]:
    return book.campaign_id, book.quote_ids


def _invites_wanted(book: Book) -> tuple[Any, ...]:
    return book.platform_id, book.campaign_id, book.invite_ids


def _marks_wanted(book: Book) -> tuple[Any, ...]:
    return book.platform_id, book.campaign_id, book.signs.marks_wanted(), book.now


def _makers_wanted(book: Book) -> tuple[Any, ...]:
    return book.platform_id, book.campaign_id, book.signs.makers_wanted()


def _joins_wanted(book: Book) -> tuple[Any, ...]:
    return book.platform_id, book.campaign_id, *book.signs.joins_wanted()


def _take_version(book: Book, versions: list[int]) -> None:
    book.version = versions[0] if versions else None


def _take_teams(book: Book, teams: list[tuple[Team, int]]) -> None:
    book.teams = {team.team_id: team for team, _ in teams}
    if teams and book.version is None:
        book.version = teams[0][1]


def _take_answers(book: Book, rows: list[tuple[int, bytes, bool, bytes]]) -> None:
    book.known = Answers(book.keys, rows)


async def _find_terms(connection: AsyncConnection[TupleRow], catalogue: Catalogue, book: Book) -> None:
    if book.version is not None:
        book.campaign = await catalogue.at(connection, book.platform_id, book.campaign_id, book.version)
    if book.campaign:
        book.terms_by_version[book.campaign.terms.version] = book.campaign.terms
    for version in {team.terms_version for team in book.teams.values()} - set(book.terms_by_version):
        book.terms_by_version[version] = await catalogue.terms(connection, book.platform_id, book.campaign_id, version)
    book.price_teams()


def _locks_members(catalogue: Catalogue, book: Book) -> bool:
    return bool(book.member_ids or book.seat_ids) and catalogue.limits_members(book.campaign_id)


async def _check_locked(connection: AsyncConnection[TupleRow], catalogue: Catalogue, books: Sequence[Book]) -> None:
    """Begin again where rules that were not known before ask for locks that were not taken."""
    for book in books:
        if book.campaign is None:
            await _check_unknown(connection, book)
            continue
        if _locks_members(catalogue, book) and not book.locks_members:
            raise Raced("a campaign limits its members since now")
        if catalogue.has_stock(book.campaign_id) and not book.locks_stock:
            raise Raced("a campaign has stock since now")
        if catalogue.fills_ladder(book.campaign_id) and book.tally is None:
            raise Raced("a campaign fills its ladder since now")
        if not book.looks_by(book.campaign.abuse_rules):
            raise Raced("a campaign has other rules against abuse since now")


async def _check_unknown(connection: AsyncConnection[TupleRow], book: Book) -> None:
    """Refuse no team for a campaign that is there: that would be stored, and said for ever."""
    if book.opens and await store.find_version(connection, book.platform_id, book.campaign_id):
        raise Raced("a campaign was not known until now")


async def _load_more(connection: AsyncConnection[TupleRow], catalogue: Catalogue, books: Sequence[Book]) -> None:
    """Load what concerns teams that have late comers, are due, have a waitlist, or lose their leader."""
    await _lock_overflow(connection, catalogue, books)
    phases: list[_Phase[Any]] = []
    due = _share_holds(books)
    if due:
        held = await store.load_held(
            connection, [(book.campaign_id, list(most), list(most.values())) for book, most in due]
        )
        phases.append(_Phase([book for book, _ in due], held, Book.take_held))
    waits = _teams_of(books, _may_seat_who_waits)
    if waits:
        wanted = [(book.campaign_id, teams) for book, teams in waits]
        waiting = await store.load_waiting(connection, wanted, limits.MOST_WAITING)
        phases.append(_Phase([book for book, _ in waits], waiting, Book.take_waiting))
    full = _teams_of(books, _may_refuse_full)
    if full:
        first = await store.find_first_holds(connection, [(book.campaign_id, teams) for book, teams in full])
        phases.append(_Phase([book for book, _ in full], first, Book.take_first_holds))
    ending = _teams_of(books, _may_return_stock)
    if ending:
        units = await store.count_taken(connection, [(book.campaign_id, teams) for book, teams in ending])
        phases.append(_Phase([book for book, _ in ending], units, Book.take_returns))
    for phase in phases:
        await phase.receive()
    await _load_beyond(connection, books)
    for book in books:
        book.follow_confirmations()
    losing = _teams_of(books, _may_lose_leader)
    if losing:
        asked = await store.load_first_confirmed(
            connection, [(book.campaign_id, teams, len(book.leaving) + 2) for book, teams in losing]
        )
        await _Phase([book for book, _ in losing], asked, Book.take_confirmed).receive()


async def _load_beyond(connection: AsyncConnection[TupleRow], books: Sequence[Book]) -> None:
    """Load who may fit though nobody does of the many who waited longer."""
    long = [(book, teams) for book in books if (teams := book.long_waitlists())]
    if long:
        asked = await store.load_waiting_beyond(connection, [(book.campaign_id, teams) for book, teams in long])
        await _Phase([book for book, _ in long], asked, Book.take_beyond).receive()


async def _lock_overflow(connection: AsyncConnection[TupleRow], catalogue: Catalogue, books: Sequence[Book]) -> None:
    wanted = [(book, sorted(others)) for book in books if (others := book.locked_elsewhere())]
    if not wanted:
        return
    asked = await store.lock_free_teams(connection, [(book.campaign_id, teams) for book, teams in wanted])
    seats = await store.load_live_of_members(connection, [_members_wanted(book) for book, _ in wanted])
    locked = await asked.all()
    for (book, _), teams, live in zip(wanted, locked, await seats.all(), strict=True):
        book.teams |= {team.team_id: team for team in teams}
        book.take_seats_again(teams, live)
        await _find_terms(connection, catalogue, book)
    await _check_locked(connection, catalogue, [book for book, _ in wanted])


def _share_holds(books: Sequence[Book]) -> list[tuple[Book, dict[UUID, int]]]:
    """Share out how many holds of teams that are looked at are loaded; who gets too few is looked at again.

    Teams with commands come first, so that these find what ran out released.
    """
    due = [
        (place, book, team)
        for place, book in enumerate(books)
        for team in book.teams.values()
        if team.totals.held_members and book.is_looked_at(team)
    ]
    due.sort(key=lambda item: not item[1].is_asked_for(item[2]))
    left, shares = limits.MOST_HELD_AT_ONCE, [dict[UUID, int]() for _ in books]
    for place, book, team in due:
        most = min(team.totals.held_members, limits.MOST_HELD, left)
        if most < team.totals.held_members:
            book.leave_held(team)
        if most:
            shares[place][team.team_id] = most
        left -= most
    return [(book, own) for book, own in zip(books, shares, strict=True) if own]


def _teams_of(books: Sequence[Book], condition: Callable[[Book, Team], bool]) -> list[tuple[Book, list[Any]]]:
    found = [(book, [team.team_id for team in book.teams.values() if condition(book, team)]) for book in books]
    return [(book, teams) for book, teams in found if teams]


def _may_seat_who_waits(book: Book, team: Team) -> bool:
    """Tell whether somebody waits, and room may be made: by a member who leaves, or by the look at a team."""
    if not team.totals.waiting_members:
        return False
    left = {seat.team_id for seat_id in book.leaving if seat_id and (seat := book.seats.get(seat_id))}
    return team.team_id in left or book.is_looked_at(team)


def _may_refuse_full(book: Book, team: Team) -> bool:
    """Tell whether somebody may hear that a team is full, and when its next hold ends: where no look tells it anyway.

    A confirmation leaves the time as it was, so that confirming costs no read.
    """
    if not team.totals.held_members or not book.is_asked_for_more(team) or book.is_looked_at(team):
        return False
    return book.terms(team).rules.on_full is OnFull.REFUSE


def _may_return_stock(book: Book, team: Team) -> bool:
    """Tell whether a team may end in this batch that gives all its seats back at once: others may have their units."""
    if not book.locks_stock or not (team.totals.confirmed_members or team.totals.held_members):
        return False
    fails = team.state is TeamState.FORMING and domain.is_over(team, book.around(team))
    return fails or team.team_id in book.cancelled or _may_fall_below_minimum(book, team)


def _may_fall_below_minimum(book: Book, team: Team) -> bool:
    """Tell whether a seat that defaults may take all others of a formed team with it."""
    if team.state is not TeamState.FORMED or not domain.fails_below_minimum(book.terms(team).rules):
        return False
    return any(seat_id in book.leaving for seat_id, seat in book.seats.items() if seat.team_id == team.team_id)


def _may_lose_leader(book: Book, team: Team) -> bool:
    if not team.state.is_open or not team.totals.confirmed_members or team.leader_seat_id is None:
        return False
    leader = book.seats.get(team.leader_seat_id)
    runs_out = leader is not None and leader.state is SeatState.HELD and book.is_looked_at(team)
    return team.leader_seat_id in book.leaving or runs_out
