"""The one path of every command on teams: a batch of one or more, one transaction, an answer for each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from psycopg.errors import UniqueViolation

from services.chassis import trace
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Raced, Rejected
from services.team_formation import domain, store
from services.team_formation.catalogue import Catalogue
from services.team_formation.codes import InviteCodes
from services.team_formation.handlers.asks import Answer, Ask
from services.team_formation.handlers.book import Book
from services.team_formation.handlers.deciding import Decider, LockedElsewhere, Reply
from services.team_formation.handlers.loading import load
from services.team_formation.handlers.saving import save_decided, save_rows
from services.team_formation.store import abuse

TRIES = 5
"""So often is a batch decided again because of teams that were locked elsewhere, before other teams are opened."""
_MANY = 16
"""For fewer commands it does not pay to have PostgreSQL begin with the rows while answers and events are written."""


class _Part:
    """One campaign's part of a batch: its book, its commands by their place in the batch, and what is replied."""

    def __init__(self, book: Book, asks: dict[int, Ask]) -> None:
        self.book = book
        self.asks = asks
        self.replies: dict[int, Reply] = {}
        self.refusals: dict[int, Rejected] = {}
        """What is not decided and not stored: asked for members that were erased."""

    def play(self, decider: Decider) -> None:
        """Bring teams up to date, then decide the commands in order; a request that was decided before is not again."""
        book = self.book
        trace.at(next(iter(self.asks)))
        for team in list(book.teams.values()):
            if book.is_looked_at(team):
                around, heirs, all_held = book.around(team), book.heirs(team), book.has_all_held(team)
                book.enter(domain.bring_up_to_date(team, around, book.held(team), heirs, all_held=all_held))
        asked: set[tuple[str, str]] = set()
        for place, ask in self.asks.items():
            trace.at(place)
            if ask.request is None:
                decider.decide(book, ask)
                continue
            if refusal := book.refused(ask):
                self.refusals[place] = refusal
                continue
            name = (ask.request.rpc, ask.request.request_id)
            if name not in asked and book.known.get(ask.request) is None:
                self.replies[place] = decider.decide(book, ask)
                asked.add(name)

    def answer(self, answers: list[Answer | Rejected]) -> None:
        """Write the answers to their places in the batch; the same request twice gets the same one."""
        book = self.book
        for place, reply in self.replies.items():
            key = self.asks[place].request
            if key:
                book.decide(key, reply.written(book), reply.subject)
        for place, ask in self.asks.items():
            if place in self.refusals:
                answers[place] = self.refusals[place]
            elif ask.request and (answer := book.known.get(ask.request)) is not None:
                answers[place] = answer


class TeamHandler:
    """Decides batches of commands."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, codes: InviteCodes) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._codes = codes
        self._decider = Decider(codes)

    async def decide(self, asks: Sequence[Ask]) -> Sequence[Answer | Rejected]:
        """Decide a batch and commit it; one answer for each ask, in order.

        Where late comers need a team that somebody else has locked, it is decided again with that team locked in order:
        were another opened each time, those before would stay half empty. But not for ever.
        """
        others: dict[UUID, set[UUID]] = defaultdict(set)
        for _ in range(TRIES):
            try:
                return await self._decide_once(asks, others)
            except LockedElsewhere as locked:
                others[locked.campaign_id] |= locked.team_ids
        return await self._decide_once(asks, others, opens_anyway=True)

    async def _decide_once(
        self, asks: Sequence[Ask], others: Mapping[UUID, set[UUID]], *, opens_anyway: bool = False
    ) -> Sequence[Answer | Rejected]:
        """Decide in one transaction; Raced where another took a quote or brought a team over: next time it is there."""
        try:
            return await self._decide(asks, others, opens_anyway=opens_anyway)
        except UniqueViolation as error:
            if abuse.is_tag_race(error):
                raise Raced("another process takes a seat by the same tag") from error
            if store.is_quote_race(error):
                raise Raced("another process takes the same quote") from error
            if store.is_team_race(error):
                raise Raced("another process brings the same team over") from error
            raise

    async def _decide(
        self, asks: Sequence[Ask], others: Mapping[UUID, set[UUID]], *, opens_anyway: bool = False
    ) -> Sequence[Answer | Rejected]:
        """Decide in one transaction; answers and events are written while PostgreSQL writes the rows."""
        answers: list[Answer | Rejected] = [b""] * len(asks)
        async with self._database.work(by_key=True) as work:
            await self._catalogue.learn(work.connection, {(ask.platform_id, ask.campaign_id) for ask in asks})
            parts = self._parts(asks, others)
            books = [part.book for part in parts]
            for book in books:
                book.opens_anyway = opens_anyway
            await load(work.connection, self._catalogue, books)
            for part in parts:
                part.play(self._decider)
            await save_rows(work.connection, self._codes, books)
            if len(asks) >= _MANY:
                await work.send()
            for part in parts:
                part.answer(answers)
            await save_decided(work, books)
        for book in books:
            book.signs.count()
        return answers

    def _parts(self, asks: Sequence[Ask], others: Mapping[UUID, set[UUID]]) -> list[_Part]:
        """Part a batch by campaign, campaigns in id order: they lock in this order."""
        parts: dict[tuple[UUID, UUID], dict[int, Ask]] = {}
        for place, ask in enumerate(asks):
            parts.setdefault((ask.campaign_id, ask.platform_id), {})[place] = ask
        return [
            _Part(Book(list(own.values()), self._clock.now(platform_id), others.get(campaign_id, ())), own)
            for (campaign_id, platform_id), own in sorted(parts.items())
        ]
