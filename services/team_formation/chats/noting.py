"""Has cards that were shown in chats followed from then on: where each stands, sealed, and what it says.

A preview that a service asks for is noted on the side: its answer waits for nothing.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.sealing import NotOpened, Sealer
from services.team_formation.chats.cards import Card
from services.team_formation.chats.finding import named
from services.team_formation.chats.rates import RATES
from services.team_formation.hooks.reading.incoming import Incoming, Reply, Way
from services.team_formation.store import chat_previews as shelf
from services.team_formation.store.chat_previews import Claimed, Preview
from services.team_formation.store.chat_seals import SealedPlace, find_sealed_otherwise, save_sealed
from services.team_formation.web.visits import Place, Visits

SEALS_PAGE = 200
"""Places that are sealed anew in one transaction."""
WAKE_CHANNEL = "chat_previews"
MOST_OF_TEAM = 500
"""Cards followed of one team; of more, those that have stood longest keep what they say."""
MOST_OF_APP = 10_000
MOST_KNOWN = 20_000
"""Places that a process remembers to have kept."""
KNOWN_FOR = timedelta(minutes=5)
"""After so long a place is kept again where a service still asks for it: what was kept may have been forgotten."""
TRIM_PART = 10
"""Cards of a team or an app are counted when so many parts of all that it may have have come, not at each note."""
CHATS = 4096
"""Chats share so many turns: nothing that is stored tells one of them from others."""
MOST_WAITING = 1_000
"""Notes on their way; more than that, and cards stay as they are."""

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """Whose call was answered, and when that happened."""

    app_id: str
    platform_id: UUID
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What it takes to write a card again: how it is changed, and of which link in which language it is."""

    place: Reply
    code: str
    url: str
    language: str
    """As it was asked for; empty means the campaign's first."""

    @property
    def key(self) -> bytes:
        """A hash of where it stands."""
        where = [str(self.place.way), sorted(self.place.values.items()), self.url]
        return hashlib.sha256(json.dumps(where).encode()).digest()

    @property
    def chat(self) -> int:
        """The number, from 1, of the turns that its chat takes part in; 0 where the service limits no chat."""
        chat = self.place.values.get("chat_id")
        if chat is None or not RATES[self.place.way].in_chat:
            return 0
        return 1 + int.from_bytes(hashlib.sha256(chat.encode()).digest()[:4]) % CHATS


@dataclass(frozen=True, slots=True)
class _Note:
    """A card that is to be followed."""

    answered: Answered
    standing: Standing
    campaign_id: UUID
    team_id: UUID
    shown: bytes = field(repr=False)


class Noter:
    """Keeps what is to be followed; trouble costs the following, never the answer."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, visits: Visits, link: str) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._visits = visits
        self._link = link
        self._notes: Coalescer[_Note, bool] = Coalescer("chat previews", self._decide)
        self._sealed_up_to: SealedPlace | None = None
        self._on_the_side: set[asyncio.Task[None]] = set()
        self._known: dict[tuple[str, bytes], datetime] = {}
        self._kept_since: Counter[str | tuple[UUID, UUID]] = Counter()

    async def run(self) -> None:
        """Keep notes for as long as the process runs."""
        await self._notes.run()

    async def note(self, answered: Answered, incoming: Incoming, cards: Sequence[Card], place: Reply | None) -> None:
        """Have the cards of an answer followed, where its way can change them."""
        if place is None or place.way not in RATES or not cards:
            return
        if len(cards) > 1 and place.way is not Way.SLACK_UNFURL:
            return  # one message of several cards, which no single team changes
        try:
            notes = await self._made(answered, incoming, cards, place)
            await asyncio.gather(*(self._notes.submit(one) for one in notes))
        except Exception as error:  # noqa: BLE001 - an answer that was given must not be given again for it
            log.warning("a card in a chat is not followed", way=str(place.way), why=type(error).__name__)

    def note_aside(self, answered: Answered, incoming: Incoming, cards: Sequence[Card]) -> None:
        """Have cards followed that a service asked for, without waiting."""
        if incoming.reply and len(self._on_the_side) < MOST_WAITING:
            task = asyncio.create_task(self.note(answered, incoming, cards, incoming.reply), name="chat preview")
            self._on_the_side.add(task)
            task.add_done_callback(self._on_the_side.discard)

    def opened(self, one: Claimed) -> Standing | None:
        """Open what is kept of a card; None where its key is gone."""
        try:
            said = json.loads(self._sealer.open(one.sealed, _sealed_for(one.app_id, one.place)))
        except NotOpened:
            return None
        place = Reply(Way(one.way), said["values"])
        return Standing(place, said["code"], said["url"], said["language"])

    async def seal_anew(self) -> int:
        """Seal a page of places anew that an older key has sealed; returns how many. Run by a timer.

        Pages follow each other, and begin again after the last: what does not open is passed by, and not followed.
        """
        async with self._database.work() as work:
            rows = await find_sealed_otherwise(work.connection, self._sealer.key_id, self._sealed_up_to, SEALS_PAGE)
            anew = [one for row in rows if (one := self._anew(row))]
            await save_sealed(work.connection, anew)
        self._sealed_up_to = rows[-1] if len(rows) == SEALS_PAGE else None
        return len(rows)

    def _anew(self, row: SealedPlace) -> SealedPlace | None:
        where = _sealed_for(row.app_id, row.place)
        try:
            return row._replace(sealed=self._sealer.seal(self._sealer.open(row.sealed, where), where))
        except NotOpened as problem:
            log.error("where a card stands does not open", app=row.app_id, why=str(problem))  # noqa: TRY400 - the reason is enough
            return None

    async def _made(self, answered: Answered, incoming: Incoming, cards: Sequence[Card], place: Reply) -> list[_Note]:
        notes = []
        for url, code in named(incoming, self._link):
            found = await self._visits.place(code)
            card = next((card for card in cards if found and card.url == (url or found.link)), None)
            if card and found and found.door.platform_id == answered.platform_id:
                notes.append(_noted(answered, Standing(place, code, card.url, incoming.language), found, card))
        return notes

    async def _decide(self, batch: Sequence[_Note]) -> Sequence[bool]:
        """Keep a batch. What was kept before, here, is not kept again: each device that shows a link asks for it."""
        now = self._clock.now()
        fresh = {(note.answered.app_id, note.standing.key): note for note in batch}
        rows = [self._row(note) for key, note in fresh.items() if not self._is_known(key, now)]
        if rows := [row for row in rows if row.until > now]:
            await self._keep(rows, now)
            if len(self._known) + len(rows) > MOST_KNOWN:
                self._known.clear()
            self._known |= {(row.app_id, row.place): now for row in rows}
            self._database.wakes.ring(WAKE_CHANNEL)
        return [True] * len(batch)

    def _is_known(self, key: tuple[str, bytes], now: datetime) -> bool:
        kept_at = self._known.get(key)
        return kept_at is not None and now - kept_at < KNOWN_FOR

    async def _keep(self, rows: Sequence[Preview], now: datetime) -> None:
        teams = Counter((row.campaign_id, row.team_id) for row in rows)
        apps = Counter(row.app_id for row in rows)
        full_teams = [team for team in sorted(teams) if self._may_be_full(team, teams[team], MOST_OF_TEAM)]
        full_apps = [app_id for app_id in sorted(apps) if self._may_be_full(app_id, apps[app_id], MOST_OF_APP)]
        async with self._database.work() as work:
            await shelf.keep_previews(work.connection, rows, now)
            for campaign_id, team_id in full_teams:
                await shelf.trim_team(work.connection, campaign_id, team_id, MOST_OF_TEAM)
            for app_id in full_apps:
                await shelf.trim_app(work.connection, app_id, MOST_OF_APP)
        if len(self._kept_since) > MOST_KNOWN:
            self._kept_since.clear()
        self._kept_since.update(teams)
        self._kept_since.update(apps)
        for team in full_teams:
            self._kept_since[team] = 1  # counted; 0 is what this process has not counted yet
        for app_id in full_apps:
            self._kept_since[app_id] = 1

    def _may_be_full(self, name: str | tuple[UUID, UUID], more: int, most: int) -> bool:
        """Tell whether cards are to be counted: the first time, and then when a part of all has come."""
        kept = self._kept_since[name]
        return not kept or kept + more > max(most // TRIM_PART, 1)

    def _row(self, note: _Note) -> Preview:
        answered, standing, way = note.answered, note.standing, note.standing.place.way
        key, values = standing.key, dict(standing.place.values)
        said = {"values": values, "code": standing.code, "url": standing.url, "language": standing.language}
        sealed = self._sealer.seal(json.dumps(said).encode(), _sealed_for(answered.app_id, key))
        until = answered.happened_at + RATES[way].lasts
        return Preview(
            note.campaign_id,
            note.team_id,
            answered.app_id,
            key,
            answered.platform_id,
            str(way),
            sealed,
            note.shown,
            until,
            standing.chat,
        )


def said_by(card: Card) -> bytes:
    """Give a hash of what a card says."""
    said = [card.title, *card.lines, card.footer, card.button_label, card.button_url, card.language]
    return hashlib.sha256(json.dumps(said).encode()).digest()


def _noted(answered: Answered, standing: Standing, found: Place, card: Card) -> _Note:
    return _Note(answered, standing, found.door.campaign_id, found.door.team_id, said_by(card))


def _sealed_for(app_id: str, place: bytes) -> str:
    return f"chat_previews/sealed/{app_id}/{place.hex()}"
