"""Looks at money that is waited for, by the platform's clock: what came, what lapsed, what is to be warned of."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.work import Work
from services.pricing import domain, store
from services.pricing.domain import AwaitedPayment, PaymentFact, SeatState, TeamState
from services.pricing.handlers.accounts import load_accounts
from services.pricing.handlers.told import tell_settled
from services.pricing.handlers.turns import Turns, apart

PAYMENTS = 500
"""Most payments of a team that one transaction looks at, and most that are found at once."""

TeamKey: TypeAlias = tuple[UUID, UUID]


class PaymentFinder:
    """Run by a timer."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turns = Turns(store.Due())

    async def run_once(self) -> int:
        """Look at the next page of what is due; returns how many payments were looked at, 0 only where none can be."""
        return await self._turns.take(self._find, PAYMENTS, self._look_at_teams)

    async def _find(self, after: store.Due) -> list[store.Due]:
        async with self._database.read() as connection:
            return await store.find_due_payments(connection, self._clock.now(), self._clock.ahead(), after, PAYMENTS)

    async def _look_at_teams(self, due: Sequence[store.Due]) -> int:
        teams = dict.fromkeys((one.campaign_id, one.team_id) for one in due)
        return sum([await apart(key[1], self._look(key), "payments are not looked at") for key in teams])

    async def _look(self, key: TeamKey) -> int:
        """Look at a team's payments under its lock; later while lines of it are still made: numbers come in order."""
        async with self._database.work() as work:
            team = (await store.lock_teams(work.connection, [key])).get(key)
            if team is None or await store.find_teams_with_jobs(work.connection, [key]):
                return 0
            now = self._clock.now(team.platform_id)
            payments = await store.load_due_payments(work.connection, *key, now, PAYMENTS)
            terms = (await store.load_payment_terms(work.connection, [key])).get(key)
            if not payments or terms is None:
                return 0
            paying = await _paying(work.connection, team, payments)
            accounts = await load_accounts(work.connection, {(own.campaign_id, own.seat_id) for own in payments})
            looked = [
                domain.look_at(
                    own,
                    domain.payment_news(accounts[own.seat_id].reports.get(own.line_id, ())),
                    terms,
                    now,
                    _left(own, accounts[own.seat_id]) if own.seat_id in paying else 0,
                )
                for own in payments
            ]
            await store.save_awaited(work.connection, [after for after, _ in looked])
            await _tell(work, team, [fact for _, fact in looked if fact])
        return len(payments)


def _left(payment: AwaitedPayment, account: domain.SeatAccount) -> int:
    """Tell what was not taken back of what is waited for."""
    line = next(line for line in account.lines if line.line_id == payment.line_id)
    return domain.charge_left(line, account)


async def _paying(connection: Connection, team: domain.Team, payments: Sequence[AwaitedPayment]) -> set[UUID]:
    """Tell which seats still have to pay: confirmed ones of a team that stands as formed."""
    if team.state is not TeamState.FORMED:
        return set()
    seats = await store.load_seats(connection, sorted({(own.campaign_id, own.seat_id) for own in payments}))
    return {seat.seat_id for seat in seats.values() if domain.seat_now(seat, team).state is SeatState.CONFIRMED}


async def _tell(work: Work, team: domain.Team, facts: Sequence[PaymentFact]) -> None:
    """Tell facts with the next numbers of the team."""
    if not facts:
        return
    first = team.settlement_sequence + 1
    told = [domain.PaymentTold(fact, first + place, team.version) for place, fact in enumerate(facts)]
    await store.insert_payment_facts(work.connection, told)
    await store.save_teams(work.connection, [replace(team, settlement_sequence=first + len(facts) - 1)])
    await tell_settled(work, told, {(team.campaign_id, team.team_id): team.merchant_id})
