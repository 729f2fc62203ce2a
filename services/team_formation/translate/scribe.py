"""Writes the events and answers of one campaign's part of a batch; what is the same in many of them is written once.

Nothing is built as a message and serialised: parts are bytes from the start (see wire.py). A join's event and its
answer hold the same seat, seats of a batch differ in little but their ids, and a thousand joins of one team tell of the
same team but for its totals. It is what translate/teams.py makes: tests/unit/team_formation/test_scribe.py compares.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids, trace
from services.chassis.messages import Message
from services.team_formation import domain
from services.team_formation.translate import facts, teams
from services.team_formation.translate.basics import PLATFORM, TEAM_TOPIC, campaign_id, seat_id, team_id, time
from services.team_formation.translate.wire import field, moment, text, whole

_TYPES = {kind: f"groupbuy.team_formation.v1.{kind}" for kind in domain.FactKind}
_SEAT: Any = types_pb2.Seat
_TEAM: Any = types_pb2.Team
_TOTALS: Any = types_pb2.Totals
_EVENT: Any = events_pb2.TeamEvent

_Shape: TypeAlias = tuple[object, ...]


class _Page:
    """What is written of one team already: its name in seats, and what all its events of a moment begin with."""

    __slots__ = ("head", "head_at", "in_seat", "still", "still_of", "text")

    def __init__(self, name: str) -> None:
        self.text = name
        self.in_seat = text(_SEAT.TEAM_ID_FIELD_NUMBER, name)
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
        self._shapes: dict[_Shape, bytes] = {}
        self._seats: dict[int, tuple[domain.Seat, bytes]] = {}
        """By the identity of the value, which is kept as long: an answer and its event hold the very same seat."""
        self._rules: dict[int, bytes] = {}
        self._totals: tuple[domain.Totals, bytes] = (domain.Totals(), b"")

    def seat(self, seat: domain.Seat, currency: str) -> bytes:
        """Write a seat."""
        known = self._seats.get(id(seat))
        if known is None:
            parts = (
                text(_SEAT.SEAT_ID_FIELD_NUMBER, seat_id(self._campaign, seat.seat_id)),
                self._page(seat.team_id).in_seat,
                text(_SEAT.MEMBER_ID_FIELD_NUMBER, seat.member_id),
                text(_SEAT.EXTERNAL_REF_FIELD_NUMBER, seat.external_ref),
                self._shape(seat, currency),
            )
            known = self._seats[id(seat)] = (seat, b"".join(parts))
        return known[1]

    def team(self, team: domain.Team, terms: domain.Terms) -> bytes:
        """Write a team with its prices now."""
        table, rules, totals = terms.price_table, terms.rules, team.totals
        holds = team.state.is_open and totals.held_members and team.due_at < team.ends_at
        return b"".join(
            (
                self._still_part(team, terms),
                whole(_TEAM.STATE_FIELD_NUMBER, teams.TEAM_STATES[team.state]),
                whole(_TEAM.VERSION_FIELD_NUMBER, team.version),
                whole(_TEAM.ROOM_FIELD_NUMBER, max(rules.maximum - totals.taken(rules.counted_in), 0)),
                _moment(_TEAM.ENDED_AT_FIELD_NUMBER, team.ended_at),
                _moment(_TEAM.NEXT_FREE_AT_FIELD_NUMBER, team.due_at) if holds else b"",
                field(_TEAM.TOTALS_FIELD_NUMBER, self._total(totals)),
                _prices_at(table, team.price_fill(table.basis)),
            )
        )

    def message(self, fact: domain.Fact, terms: domain.Terms, of: domain.Campaign | None) -> Message:
        """Write a fact as the message of its team's version; TeamOpened needs the campaign."""
        team = fact.team
        page = self._page(team.team_id)
        event_id = ids.derived_id(team.team_id, team.version)
        number, write = facts.FACTS[fact.kind]
        seat = field(1, self.seat(fact.seat, terms.price_table.currency)) if fact.seat else b""
        parts = (
            self._head(page, fact),
            text(_EVENT.EVENT_ID_FIELD_NUMBER, str(event_id)),
            whole(_EVENT.SEQUENCE_FIELD_NUMBER, team.version),
            whole(_EVENT.STATE_FIELD_NUMBER, teams.TEAM_STATES[team.state]),
            field(_EVENT.TOTALS_FIELD_NUMBER, self._total(team.totals)),
            field(number, seat + write(fact, terms, of)),
        )
        return Message(
            TEAM_TOPIC,
            page.text,
            event_id,
            _TYPES[fact.kind],
            team.version,
            fact.at,
            b"".join(parts),
            trace.current(),
        )

    def _page(self, team: UUID) -> _Page:
        page = self._pages.get(team)
        if page is None:
            page = self._pages[team] = _Page(team_id(self._campaign, team))
        return page

    def _shape(self, seat: domain.Seat, currency: str) -> bytes:
        """Write what many seats of a batch have in common."""
        shape = (
            currency,
            seat.sku,
            seat.quantity,
            seat.role,
            seat.state,
            seat.cap,
            seat.cap_fill,
            seat.held_at,
            seat.hold_until,
            seat.invite_id,
            seat.confirmed_at,
            seat.released_at,
            seat.release_reason,
            seat.sponsored,
            seat.hold_extended,
            seat.updated_at,
            seat.cap_tally_seq,
            seat.quote,
            seat.cap_from_quote,
            seat.promoter_id,
            seat.commission_basis_points,
            seat.flags,
        )
        written = self._shapes.get(shape)
        if written is None:
            whole_seat = teams.seat_of_team(seat, "", currency)
            for own in ("seat_id", "member_id", "external_ref"):
                whole_seat.ClearField(own)
            written = self._shapes[shape] = whole_seat.SerializeToString()
        return written

    def _head(self, page: _Page, fact: domain.Fact) -> bytes:
        """Write what all events of a team in this batch have in common."""
        if page.head_at is not fact.at:
            page.head_at = fact.at
            page.head = b"".join(
                (
                    text(_EVENT.PLATFORM_ID_FIELD_NUMBER, self._platform_text),
                    _moment(_EVENT.OCCURRED_AT_FIELD_NUMBER, fact.at),
                    text(_EVENT.CAMPAIGN_ID_FIELD_NUMBER, self._campaign_text),
                    text(_EVENT.TEAM_ID_FIELD_NUMBER, page.text),
                )
            )
        return page.head

    def _still_part(self, team: domain.Team, terms: domain.Terms) -> bytes:
        """Write what seldom changes of a team."""
        page = self._page(team.team_id)
        state = (team.ends_at, team.leader_seat_id, team.overflow_team_id)
        if page.still_of != state:
            leader, overflow = team.leader_seat_id, team.overflow_team_id
            page.still_of = state
            page.still = b"".join(
                (
                    self._of_rules(terms),
                    text(_TEAM.TEAM_ID_FIELD_NUMBER, page.text),
                    _moment(_TEAM.OPENED_AT_FIELD_NUMBER, team.opened_at),
                    _moment(_TEAM.ENDS_AT_FIELD_NUMBER, team.ends_at),
                    text(_TEAM.EXTERNAL_REF_FIELD_NUMBER, team.external_ref),
                    text(_TEAM.LEADER_SEAT_ID_FIELD_NUMBER, seat_id(self._campaign, leader) if leader else ""),
                    text(_TEAM.MATCH_KEY_FIELD_NUMBER, team.match_key),
                    text(_TEAM.OVERFLOW_TEAM_ID_FIELD_NUMBER, team_id(self._campaign, overflow) if overflow else ""),
                )
            )
        return page.still

    def _of_rules(self, terms: domain.Terms) -> bytes:
        """Write what all teams of the same terms have in common."""
        written = self._rules.get(terms.version)
        if written is None:
            rules = terms.rules
            common = types_pb2.Team(
                campaign_id=self._campaign_text,
                minimum=rules.minimum,
                maximum=rules.maximum,
                counted_in=teams.COUNTED_IN[rules.counted_in],
                visibility=teams.VISIBILITIES[rules.visibility],
            )
            written = self._rules[terms.version] = common.SerializeToString()
        return written

    def _total(self, totals: domain.Totals) -> bytes:
        """Write totals: the event of a version and the answer with it hold the same."""
        if self._totals[0] is not totals:
            self._totals = (totals, _totals(totals))
        return self._totals[1]


def _totals(totals: domain.Totals) -> bytes:
    return b"".join(
        (
            whole(_TOTALS.CONFIRMED_MEMBERS_FIELD_NUMBER, totals.confirmed_members),
            whole(_TOTALS.CONFIRMED_UNITS_FIELD_NUMBER, totals.confirmed_units),
            whole(_TOTALS.HELD_MEMBERS_FIELD_NUMBER, totals.held_members),
            whole(_TOTALS.HELD_UNITS_FIELD_NUMBER, totals.held_units),
            whole(_TOTALS.WAITING_MEMBERS_FIELD_NUMBER, totals.waiting_members),
            whole(_TOTALS.WAITING_UNITS_FIELD_NUMBER, totals.waiting_units),
            whole(_TOTALS.SPONSORED_MEMBERS_FIELD_NUMBER, totals.sponsored_members),
            whole(_TOTALS.SPONSORED_UNITS_FIELD_NUMBER, totals.sponsored_units),
        )
    )


@lru_cache(maxsize=4096)
def _moment(number: int, at: datetime | None) -> bytes:
    """Write a time as a field; a batch has few times."""
    return moment(number, time(at))


@lru_cache(maxsize=4096)
def _prices_at(table: domain.PriceTable, fill: int) -> bytes:
    return b"".join(
        field(_TEAM.PRICES_FIELD_NUMBER, price.SerializeToString()) for price in teams.prices_at(table, fill)
    )
