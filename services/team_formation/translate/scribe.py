"""Writes the events and answers of one campaign's part of a batch; what is the same in many of them is written once.

Seats, and what does not change of a team, are serialised once and put into events and answers as bytes (see wire.py):
a join's event and its answer hold the same seat, and a thousand joins of one team the same team but for its totals.
"""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids, trace
from services.chassis.messages import Message
from services.team_formation import domain
from services.team_formation.translate import facts, teams
from services.team_formation.translate.basics import PLATFORM, TEAM_TOPIC, campaign_id, team_id, time
from services.team_formation.translate.wire import field

_TYPES = {kind: f"groupbuy.team_formation.v1.{kind}" for kind in domain.FactKind}
_PRICES = types_pb2.Team.PRICES_FIELD_NUMBER
_TOTALS = types_pb2.Team.TOTALS_FIELD_NUMBER
_EVENT_TOTALS = events_pb2.TeamEvent.TOTALS_FIELD_NUMBER


class _Page:
    """What is written of one team already."""

    __slots__ = ("head", "head_at", "still", "still_of", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.head = b""
        self.head_at: datetime | None = None
        self.still = b""
        self.still_of: object = None


class Scribe:
    """Writes for one campaign."""

    def __init__(self, platform_id: UUID, campaign: UUID) -> None:
        self._campaign = campaign
        self._campaign_text = campaign_id(campaign)
        self._platform_text = ids.opaque(PLATFORM, platform_id)
        self._pages: dict[UUID, _Page] = {}
        self._seats: dict[int, tuple[domain.Seat, bytes]] = {}
        """By the identity of the value, which is kept as long: an answer and its event hold the very same seat."""
        self._totals: tuple[domain.Totals, bytes] = (domain.Totals(), b"")

    def seat(self, seat: domain.Seat, currency: str) -> bytes:
        """Write a seat."""
        known = self._seats.get(id(seat))
        if known is None:
            written = teams.seat_of_team(seat, self._page(seat.team_id).text, currency).SerializeToString()
            known = self._seats[id(seat)] = (seat, written)
        return known[1]

    def team(self, team: domain.Team, terms: domain.Terms) -> bytes:
        """Write a team with its prices now."""
        table = terms.price_table
        return b"".join(
            (
                self._still_part(team, terms),
                teams.moving_part(team, terms).SerializeToString(),
                field(_TOTALS, self._total(team.totals)),
                _prices_at(table, team.price_fill(table.basis)),
            )
        )

    def message(self, fact: domain.Fact, terms: domain.Terms, of: domain.Campaign | None) -> Message:
        """Write a fact as the message of its team's version; TeamOpened needs the campaign."""
        team = fact.team
        page = self._page(team.team_id)
        event_id = ids.derived_id(team.team_id, team.version)
        moving = events_pb2.TeamEvent(
            event_id=str(event_id), sequence=team.version, state=teams.TEAM_STATES[team.state]
        )
        number, write = facts.FACTS[fact.kind]
        seat = self.seat(fact.seat, terms.price_table.currency) if fact.seat else None
        content = write(fact, terms, of) if seat is None else field(1, seat) + write(fact, terms, of)
        parts = (
            self._head(page, fact),
            moving.SerializeToString(),
            field(_EVENT_TOTALS, self._total(team.totals)),
            field(number, content),
        )
        return Message(
            topic=TEAM_TOPIC,
            key=page.text,
            event_id=event_id,
            fact=_TYPES[fact.kind],
            sequence=team.version,
            occurred_at=fact.at,
            payload=b"".join(parts),
            traceparent=trace.current(),
        )

    def _page(self, team: UUID) -> _Page:
        page = self._pages.get(team)
        if page is None:
            page = self._pages[team] = _Page(team_id(self._campaign, team))
        return page

    def _head(self, page: _Page, fact: domain.Fact) -> bytes:
        """Write what all events of a team in this batch have in common."""
        if page.head_at is not fact.at:
            head = events_pb2.TeamEvent(
                platform_id=self._platform_text,
                occurred_at=time(fact.at),
                campaign_id=self._campaign_text,
                team_id=page.text,
            )
            page.head_at, page.head = fact.at, head.SerializeToString()
        return page.head

    def _still_part(self, team: domain.Team, terms: domain.Terms) -> bytes:
        """Write what seldom changes of a team."""
        page = self._page(team.team_id)
        state = (team.ends_at, team.leader_seat_id, team.overflow_team_id)
        if page.still_of != state:
            still = teams.still_part(team, terms, page.text, self._campaign_text)
            page.still_of, page.still = state, still.SerializeToString()
        return page.still

    def _total(self, totals: domain.Totals) -> bytes:
        """Write totals: the event of a version and the answer with it hold the same."""
        if self._totals[0] is not totals:
            self._totals = (totals, teams.totals(totals).SerializeToString())
        return self._totals[1]


@lru_cache(maxsize=4096)
def _prices_at(table: domain.PriceTable, fill: int) -> bytes:
    return b"".join(field(_PRICES, price.SerializeToString()) for price in teams.prices_at(table, fill))
