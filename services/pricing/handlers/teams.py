"""Follows the teams: prices, facts and settlements of a batch of their events."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from services.chassis import trace
from services.chassis.database import Connection
from services.chassis.errors import Poison
from services.chassis.messages import Event
from services.chassis.work import Work
from services.pricing import domain, store, translate
from services.pricing.handlers.settle import settle_new
from services.pricing.handlers.tables import Key, Tables

TeamKey: TypeAlias = tuple[UUID, UUID]

Taken: TypeAlias = Mapping[TeamKey, Sequence[tuple[int, int]]]
"""Settlement numbers that reports, payments and deliveries took, by team: its version then, and the number."""

TakenNumbers: TypeAlias = Callable[[Connection, Sequence[TeamKey]], Awaitable[Taken]]


class TeamHandler:
    """The handler of groupbuy.team.v1.

    `taken` is for a rebuild: what entered between the events when they were applied first took numbers too.
    """

    def __init__(self, tables: Tables, taken: TakenNumbers | None = None) -> None:
        self._tables = tables
        self._taken = taken

    async def on_team_events(self, work: Work, events: list[Event]) -> None:
        """Apply events in order; Poison for one that contradicts what is stored."""
        batch = _Batch(work, [translate.team_fact(event) for event in events])
        await batch.load(self._tables)
        if self._taken:
            batch.taken = await self._taken(work.connection, sorted(batch.keys))
        batch.decide()
        await batch.save()
        await settle_new(work, batch.jobs, batch.teams, batch.table_of)


class _Batch:
    """The rows that a batch of events concerns, and what changes in them; written once at its end."""

    def __init__(self, work: Work, facts: Sequence[domain.TeamFact]) -> None:
        self._work = work
        self._facts = facts
        self.teams: dict[tuple[UUID, UUID], domain.Team] = {}
        self.jobs: list[domain.Job] = []
        self.taken: Taken = {}
        self._counted: dict[tuple[UUID, UUID], tuple[datetime, domain.Counts]] = {}
        """By platform and campaign: the last event, and what the batch changes in the campaign's counts."""
        self._seats: dict[tuple[UUID, UUID], domain.Seat] = {}
        self._changed: dict[tuple[UUID, UUID], domain.Seat] = {}
        self._tables: dict[Key, domain.PriceTable] = {}
        self._tallies: dict[tuple[UUID, int], domain.Tally] = {}
        self._stored: list[store.StoredFact] = []
        self._waiting: list[tuple[UUID, UUID, UUID, int]] = []
        """Teams that formed and wait for their campaign's tally: platform, campaign, team, version."""

    @property
    def keys(self) -> set[TeamKey]:
        """The teams, new ones too."""
        return {_key(fact) for fact in self._facts}

    async def load(self, tables: Tables) -> None:
        """Lock the teams, load the seats and price tables, and store tables that are seen for the first time."""
        connection = self._work.connection
        teams = await store.ask_teams(connection, sorted(self.keys))
        named_seats = {(fact.campaign_id, fact.seat.seat_id) for fact in self._facts if fact.seat}
        seats = await store.ask_seats(connection, list(named_seats))
        self.teams = {(team.campaign_id, team.team_id): team for team in await teams.one()}
        self._seats = {(seat.campaign_id, seat.seat_id): seat for seat in await seats.one()}
        tallies = {(fact.campaign_id, fact.seat.cap_tally_seq) for fact in self._facts if fact.seat}
        if named := sorted(key for key in tallies if key[1]):
            self._tallies = await store.load_tallies(connection, named)
        known = {(team.platform_id, team.campaign_id, team.ladder_version) for team in self.teams.values()}
        new: dict[Key, domain.PriceTable] = {}
        for fact in self._facts:
            if fact.opened:
                new.setdefault(_table_key(fact, fact.opened.table), fact.opened.table)
        self._tables = await tables.find(connection, known) | await tables.find_or_store(connection, new)

    def table_of(self, team: domain.Team) -> domain.PriceTable:
        """Give the price table of a team that is in the batch."""
        return self._tables[team.platform_id, team.campaign_id, team.ladder_version]

    def decide(self) -> None:
        """Follow every event, in order, and tell what it does to prices."""
        for fact in self._facts:
            team = self._team(fact)
            seat = self._seats.get((fact.campaign_id, fact.seat.seat_id)) if fact.seat else None
            table = self._table(team, fact)
            followed = domain.follow(team, seat, table, fact, self._tallied(fact))
            if isinstance(followed, domain.Contradiction):
                raise Poison(fact.event_id, followed.reason)
            self._count(team, followed.team, fact)
            self._enter(followed, fact, table or self.table_of(followed.team))

    def _team(self, fact: domain.TeamFact) -> domain.Team | None:
        """Give the team before an event, with the numbers that were taken before it."""
        team = self.teams.get(_key(fact))
        taken = self.taken.get(_key(fact)) if self.taken else None
        if team is None or not taken:
            return team
        last = max((number for version, number in taken if version < fact.version), default=0)
        return replace(team, settlement_sequence=max(team.settlement_sequence, last))

    def _table(self, team: domain.Team | None, fact: domain.TeamFact) -> domain.PriceTable | None:
        if fact.opened:
            return self._tables.get(_table_key(fact, fact.opened.table))
        return self.table_of(team) if team else None

    def _tallied(self, fact: domain.TeamFact) -> int | None:
        """Give what the tally counted that the cap of an event's seat was read at."""
        if fact.seat is None or not fact.seat.cap_tally_seq:
            return 0
        tally = self._tallies.get((fact.campaign_id, fact.seat.cap_tally_seq))
        return tally.fill if tally and tally.platform_id == fact.platform_id else None

    def _enter(self, followed: domain.Followed, fact: domain.TeamFact, table: domain.PriceTable) -> None:
        self.teams[_key(fact)] = followed.team
        if followed.seat:
            key = (followed.seat.campaign_id, followed.seat.seat_id)
            self._seats[key] = self._changed[key] = followed.seat
        trace.caused_by(fact.event_id)
        for price in followed.prices:
            self._work.tell(translate.price_message(price, fact, table))
        if followed.job:
            self.jobs.append(followed.job)
        if fact.kind is domain.FactKind.TEAM_FORMED and table.basis.is_of_campaign:
            self._waiting.append((fact.platform_id, fact.campaign_id, fact.team_id, fact.version))
        self._stored.append(_stored(fact, table))

    def _count(self, before: domain.Team | None, after: domain.Team, fact: domain.TeamFact) -> None:
        key = fact.platform_id, fact.campaign_id
        counted = domain.difference(before, after, fact)
        if known := self._counted.get(key):
            self._counted[key] = max(known[0], fact.at), known[1].plus(counted)
        else:
            self._counted[key] = fact.at, counted

    async def save(self) -> None:
        """Write what changed, one statement per table."""
        connection = self._work.connection
        await store.save_teams(connection, list(self.teams.values()))
        if self._changed:
            await store.save_seats(connection, list(self._changed.values()))
        await store.insert_facts(connection, self._stored)
        await store.insert_differences(connection, self._counted)
        if self._waiting:
            await store.insert_waiting(connection, self._waiting)
        rewards = [(*_key(fact), fact.reward.seat_id, fact.reward.amount) for fact in self._facts if fact.reward]
        if rewards:
            await store.reward_leaders(connection, rewards)
        terms = [(*_key(fact), fact.platform_id, own) for fact in self._facts if (own := _terms(fact))]
        if terms:
            await store.insert_payment_terms(connection, terms)


def _stored(fact: domain.TeamFact, table: domain.PriceTable) -> store.StoredFact:
    return store.StoredFact(
        fact.campaign_id,
        fact.team_id,
        fact.version,
        fact.platform_id,
        fact.event_id,
        fact.kind,
        fact.at,
        fact.totals.fill(table.basis),
        fact.seat.seat_id if fact.seat else None,
        fact.units,
    )


def _key(fact: domain.TeamFact) -> tuple[UUID, UUID]:
    return fact.campaign_id, fact.team_id


def _terms(fact: domain.TeamFact) -> domain.PaymentTerms | None:
    return fact.opened.payment_terms if fact.opened else None


def _table_key(fact: domain.TeamFact, table: domain.PriceTable) -> Key:
    return fact.platform_id, fact.campaign_id, table.ladder_version
