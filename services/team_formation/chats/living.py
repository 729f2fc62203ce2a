"""Has cards in chats follow their teams: looks at those whose teams changed, and changes those that say something else.

A look costs the database alone, and follows what changes. A change costs the chat service: it waits for its turn in the
way of its app, by the service's rate, and says what is true when its turn comes, so that many changes of a team are one
of its card, and the last always arrives.
"""

import random
from collections import Counter
from datetime import datetime, timedelta

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.finding import Found
from services.team_formation.chats.looking import Look, Looker
from services.team_formation.chats.noting import WAKE_CHANNEL, said_by
from services.team_formation.chats.rates import RATES
from services.team_formation.chats.turns import in_turn
from services.team_formation.chats.worker import Give
from services.team_formation.claims import Claims
from services.team_formation.hooks.reading.incoming import Way
from services.team_formation.store import chat_previews as shelf
from services.team_formation.store import chat_turns as turns
from services.team_formation.store.chat_previews import Claimed

POLL_SECONDS = 1.0
PAGE = 100
"""Cards looked at in one go."""
MOST = 40
"""Cards changed at once by a process."""
PER_LANE = 4
"""Of these, by one way of an app: a service that answers slowly keeps no other waiting."""
LEASE = timedelta(seconds=60)
LOOK_APART = timedelta(seconds=1)
"""A team that changes all the time without a word in its card is looked at so often."""
RETRY_SECONDS = (2, 5, 15, 60, 300, 900)
MOST_FAILURES = 20
REST = timedelta(minutes=5)
"""Of a way whose account is wrong."""
FORGET_PAGE = 1000

log = logs.logger(__name__)


class Living:
    """The part of a process that looks at cards and has them changed."""

    def __init__(self, database: Database, clock: Clock, looker: Looker, give: Give) -> None:
        self._database = database
        self._clock = clock
        self._looker = looker
        self._give = give
        self._claims: Claims[tuple[str, str]] = Claims("cards in chats", self._begin, most=MOST, per_lane=PER_LANE)

    async def run(self) -> None:
        """Follow for as long as the process runs: woken when teams changed or a change is done, else once a second."""
        await self._claims.run(self._database.wakes, WAKE_CHANNEL, POLL_SECONDS)

    async def run_once(self) -> int:
        """Look at what is due, change what has its turn, and wait until that is done; returns how many cards it was."""
        return await self._claims.run_once()

    async def forget(self) -> int:
        """Follow cards no more whose time is over; returns how many. Run by a timer."""
        async with self._database.work() as work:
            return await shelf.forget_old(work.connection, self._clock.now(), FORGET_PAGE)

    async def _begin(self) -> int:
        looked = await self._look()
        return looked + await self._change()

    async def _look(self) -> int:
        """Look at a page of cards whose teams have changed, and note which of them say something else now."""
        async with self._database.work() as work:
            claimed = await shelf.claim_looks(work.connection, self._clock.now(), LEASE, PAGE)
        if not claimed:
            return 0
        looks = await self._looker.look(claimed)
        now = self._clock.now()
        ends = []
        async with self._database.work() as work:
            for one, look in looks:
                wants = look is not None and said_by(look.card) != one.shown
                if look is None or (look.is_over and not wants):
                    await shelf.forget_preview(work.connection, one)
                else:
                    next_at = now + (RATES[Way(one.way)].settles if wants else LOOK_APART)
                    ends.append((one, look.looked, wants, next_at, _not_before(look.again_at, next_at)))
            if ends:
                await shelf.end_looks(work.connection, ends, now)
        return len(claimed)

    async def _change(self) -> int:
        """Claim cards that have their turn, and begin to change them; returns how many that are."""
        free = self._claims.free
        if free <= 0:
            return 0
        under_way, busy = self._claims.lanes, self._claims.busy
        now = self._clock.now()
        async with self._database.work() as work:
            lanes = []
            for lane in await shelf.claim_lanes(work.connection, now, free, busy):
                allowed = RATES[Way(lane.way)].room(lane.free_at, now)
                room = min(allowed, PER_LANE - under_way[lane.app_id, lane.way], free)
                if room > 0:
                    lanes.append((lane, room))
                    free -= room
            claimed = await shelf.claim_changes(work.connection, now, LEASE, lanes) if lanes else []
            claimed = await in_turn(work.connection, claimed, now)
            taken = Counter((one.app_id, one.way) for one in claimed)
            for lane, _ in lanes:
                if count := taken[lane.app_id, lane.way]:
                    free_at = RATES[Way(lane.way)].free_at(lane.free_at, now, count)
                    await shelf.pace(work.connection, lane, free_at)
        for one in claimed:
            self._claims.begin((one.app_id, one.way), self._follow(one))
        return len(claimed)

    async def _follow(self, one: Claimed) -> None:
        [(_, look)] = await self._looker.look([one])
        if look is None:
            await self._forget(one)
        elif said_by(look.card) == one.shown:  # it came back to what it said before
            await self._shown(one, look)
        else:
            await self._end(one, look, await self._attempt(one, look))

    async def _attempt(self, one: Claimed, look: Look) -> Outcome:
        # Feishu asks what to show itself
        cards = () if look.place.way is Way.FEISHU_PREVIEW else (look.card,)
        return await self._give(one.platform_id, look.place, Found(cards, language=look.card.language))

    async def _end(self, one: Claimed, look: Look, outcome: Outcome) -> None:
        if outcome.end is End.SENT:
            await self._shown(one, look)
        elif outcome.end is End.REFUSED or (outcome.end is End.RETRY and one.failures >= MOST_FAILURES):
            log.info("a card in a chat is followed no more", way=one.way, why=outcome.why)
            await self._forget(one)
        else:
            await self._put_off(one, outcome)

    async def _shown(self, one: Claimed, look: Look) -> None:
        if look.is_over:
            await self._forget(one)
            return
        now = self._clock.now()
        next_at = now + RATES[Way(one.way)].apart
        again_at = _not_before(look.again_at, next_at)
        async with self._database.work() as work:
            await shelf.end_change(work.connection, one, look.looked, said_by(look.card), (now, next_at, again_at))

    async def _put_off(self, one: Claimed, outcome: Outcome) -> None:
        """Try again later; all of the app's way waits where its account is slowed, or wrong; a chat where it is."""
        now, is_wrong = self._clock.now(), outcome.end is End.MISCONFIGURED
        usual = RETRY_SECONDS[min(one.failures, len(RETRY_SECONDS) - 1)]
        pause = timedelta(seconds=usual * random.uniform(1, 1.2))  # noqa: S311 - so that not all come at once
        rest = REST if is_wrong else outcome.retry_after
        async with self._database.work() as work:
            failures = one.failures + (not is_wrong)
            await shelf.put_off_change(work.connection, one, now + max(pause, rest or pause), failures)
            if rest and (is_wrong or outcome.whole_account):
                await shelf.rest(work.connection, one, now + rest)
            elif rest and one.chat:
                await turns.keep_turns(work.connection, {(one.app_id, one.way, one.chat): now + rest})
        if is_wrong:
            log.error("a chat app is misconfigured", way=one.way, why=outcome.why)

    async def _forget(self, one: Claimed) -> None:
        async with self._database.work() as work:
            await shelf.forget_preview(work.connection, one)


def _not_before(at: datetime | None, earliest: datetime) -> datetime | None:
    return None if at is None else max(at, earliest)
