"""Explanations of a history's seats, made by the real domain and written as JSON: what a verifier is given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict

from services.chassis import ids
from services.chassis.messages import decode
from services.pricing import translate
from services.pricing.domain import (
    Cause,
    Contradiction,
    Job,
    PriceTable,
    Seat,
    SeatState,
    SettlementLine,
    Team,
    explain,
    explain_team,
    follow,
    settle,
)
from services.pricing.store import StoredFact
from tests.support.pricing_lives import FullLife


@dataclass
class Explained:
    """Pricing of one team without a database: it follows every event and explains every seat."""

    team: Team | None = None
    table: PriceTable | None = None
    seats: dict[UUID, Seat] = field(default_factory=dict)
    facts: list[StoredFact] = field(default_factory=list)
    lines: list[SettlementLine] = field(default_factory=list)

    def play(self, life: FullLife) -> "Explained":
        """Apply the events, and settle at once what each asks for."""
        for record in life.records:
            fact = translate.team_fact(decode(record))
            self.table = fact.opened.table if fact.opened else self.table
            seat = self.seats.get(fact.seat.seat_id) if fact.seat else None
            followed = follow(self.team, seat, self.table, fact)
            assert not isinstance(followed, Contradiction), followed
            assert self.table
            self.team = followed.team
            if followed.seat:
                self.seats[followed.seat.seat_id] = followed.seat
            fill = fact.totals.fill(self.table.basis)
            key = (fact.campaign_id, fact.team_id, fact.version, fact.platform_id, fact.event_id)
            about = fact.seat.seat_id if fact.seat else None
            self.facts.append(StoredFact(*key, fact.kind, fact.at, fill, about, fact.units))
            if followed.job:
                self._settle(followed.job)
        return self

    def of_seats(self) -> Iterator[tuple[UUID, dict[str, Any]]]:
        """Explain every seat as it stands."""
        assert self.team
        assert self.table
        ends = {self.team.fill_version, self.team.formed_version, self.team.ended_version}
        for seat in self.seats.values():
            facts = [fact for fact in self.facts if fact.seat_id == seat.seat_id or fact.version in ends]
            lines = [line for line in self.lines if line.seat_id == seat.seat_id]
            explained = explain(self.team, seat, self.table)
            message = translate.explanation(explained, self.table, facts, lines, lines_complete=True)
            yield seat.seat_id, as_json(message)

    def of_team(self, version: int) -> dict[str, Any]:
        """Explain the team at a version."""
        assert self.team
        assert self.table
        fact = self.facts[version - 1]
        at = version
        while at > 1 and self.facts[at - 2].fill == fact.fill:
            at -= 1
        explained = explain_team(self.team, self.table, version, fact.fill, at)
        facts = [self.facts[explained.fill_version - 1], fact]
        return as_json(translate.team_explanation(explained, self.table, facts, ""))

    def _settle(self, job: Job) -> None:
        assert self.team
        assert self.table
        seats = [(ids.derived_id(seat.seat_id, job.cause_event_id), seat) for seat in self._of(job)]
        self.lines += settle(self.team, self.table, job, seats)[0]

    def _of(self, job: Job) -> Sequence[Seat]:
        if job.seat_id:
            return [self.seats[job.seat_id]]
        found = sorted(self.seats.values(), key=lambda seat: seat.number)
        formed = job.cause is Cause.TEAM_FORMED
        return [
            seat
            for seat in found
            if not seat.sponsored
            and seat.number < job.version
            and (seat.state is SeatState.CONFIRMED or (formed and seat.formed_quantity))
        ]


def as_json(message: Any) -> dict[str, Any]:
    """Write a message as any client would: protobuf's JSON."""
    return MessageToDict(message)
