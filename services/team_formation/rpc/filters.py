"""Reads what lists are asked for, or refuses it with every problem at once."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import pages
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.team_formation import domain
from services.team_formation.domain import Problem
from services.team_formation.rpc import fields
from services.team_formation.store.lists import CampaignFilter, InviteFilter, SeatFilter, TeamFilter

State = TypeVar("State", bound=StrEnum)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page:
    """The page that a list request asks for; its token belongs to the platform and to the rest of the request."""

    size: int
    token: str
    of: str

    @classmethod
    def read(cls, request: Any) -> "Page":
        """Read it; Rejected for a size that is too large."""
        size = pages.size(request.page_size)
        bare = type(request)()
        bare.CopyFrom(request)
        bare.ClearField("page_size")
        bare.ClearField("page_token")
        asked = f"{type(request).__name__} {caller()} ".encode() + bare.SerializeToString(deterministic=True)
        return cls(size, request.page_token, hashlib.sha256(asked).hexdigest())

    def number(self) -> int:
        """Tell after which number it begins; 0 for the first page."""
        return pages.read_number(self.token, self.of)

    def id(self) -> UUID | None:
        """Tell after which id it begins; None for the first page."""
        position = pages.read(self.token, self.of)
        try:
            return UUID(position) if position else None
        except ValueError:
            raise Rejected("PAGE_TOKEN_INVALID") from None

    def text(self) -> str | None:
        """Tell after which text it begins; None for the first page."""
        position = pages.read(self.token, self.of)
        if position and "\0" in position:  # PostgreSQL has no such text
            raise Rejected("PAGE_TOKEN_INVALID")
        return position

    def change(self) -> tuple[datetime, UUID] | None:
        """Tell after which change it begins, by time and id; None for the first page."""
        position = pages.read(self.token, self.of)
        try:
            return (datetime.fromisoformat(position[:-33]), UUID(position[-32:])) if position else None
        except ValueError:
            raise Rejected("PAGE_TOKEN_INVALID") from None

    def cut(self, found: list[Item]) -> tuple[list[Item], Item | None]:
        """Cut what was found, one more than asked, to the page; the last item if others follow."""
        page = found[: self.size]
        return page, page[-1] if len(found) > self.size else None

    def last(self, shown: Sequence[Item], written: int, last: Item | None) -> Item | None:
        """Tell the last item if others follow, of a page of which so many were written."""
        return shown[written - 1] if written < len(shown) else last

    def next(self, position: str) -> str:
        """Make the token of the page after a position."""
        return pages.token(position, self.of)


def change_position(at: datetime, changed_id: UUID) -> str:
    """Write a change's place in the order of changes."""
    return f"{at.isoformat()} {changed_id.hex}"


def campaigns_wanted(request: pb.ListCampaignsRequest) -> CampaignFilter:
    """Read which campaigns."""
    problems = domain.check_reference("merchant_id", request.merchant_id)
    problems += domain.check_reference("external_ref", request.external_ref)
    states = _states(request.states, "CAMPAIGN_STATE_", types_pb2.CampaignState, domain.CampaignState, problems)
    fields.refuse(problems)
    return CampaignFilter(request.merchant_id, request.external_ref, states)


def teams_wanted(request: pb.ListTeamsRequest) -> TeamFilter:
    """Read which teams."""
    problems = domain.check_reference("external_ref", request.external_ref)
    problems += _member("opener_member_id", request.opener_member_id)
    states = _states(request.states, "TEAM_STATE_", types_pb2.TeamState, domain.TeamState, problems)
    fields.refuse(problems)
    return TeamFilter(request.external_ref, request.opener_member_id, states)


def seats_wanted(request: pb.ListSeatsRequest) -> tuple[UUID, SeatFilter]:
    """Read of which campaign, and which seats; TEAM_UNKNOWN or CAMPAIGN_UNKNOWN for what is no id."""
    problems = _member("member_id", request.member_id)
    problems += domain.check_reference("external_ref", request.external_ref)
    states = _states(request.states, "SEAT_STATE_", types_pb2.SeatState, domain.SeatState, problems)
    after = None
    if request.HasField("updated_after"):
        after = fields.read_time("updated_after", request.updated_after, problems)
    if not request.team_id and not request.campaign_id:
        problems.append(Problem("team_id", "say team_id or campaign_id: whose seats"))
    campaign_id, team_id = _whose(request.campaign_id, request.team_id, problems)
    fields.refuse(problems)
    return campaign_id, SeatFilter(team_id, request.member_id, request.external_ref, states, after)


def invites_wanted(request: pb.ListInvitesRequest) -> tuple[UUID, InviteFilter]:
    """Read of which campaign, and which invites; CAMPAIGN_UNKNOWN or TEAM_UNKNOWN for what is no id."""
    problems = _member("member_id", request.member_id) + _member("promoter_id", request.promoter_id)
    if request.channel:
        problems += fields.check_channel("channel", request.channel)
    problems += fields.check_language(request.language)
    if not request.campaign_id:
        raise Rejected("CAMPAIGN_UNKNOWN")
    campaign_id, team_id = _whose(request.campaign_id, request.team_id, problems)
    fields.refuse(problems)
    return campaign_id, InviteFilter(team_id, request.member_id, request.promoter_id, request.channel)


def check_search(request: pb.FindTeamRequest) -> None:
    """Refuse a search for a team with a bad field."""
    problems = _member("member_id", request.member_id)
    problems += domain.check_reference("match_key", request.match_key)
    if request.quantity < 0:
        problems.append(Problem("quantity", "must be at least 1; 0 means 1"))
    fields.refuse(problems)


def _whose(campaign_id: str, team_id: str, problems: list[Problem]) -> tuple[UUID, UUID | None]:
    if not team_id:
        return fields.campaign_of(campaign_id) if campaign_id else UUID(int=0), None
    campaign, team = fields.team_of(team_id)
    if campaign_id and fields.campaign_of(campaign_id) != campaign:
        problems.append(Problem("team_id", "is a team of another campaign; leave out one of the two"))
    return campaign, team


def _member(field: str, value: str) -> list[Problem]:
    return domain.check_member_id(field, value) if value else []


def _states(
    codes: Iterable[int], prefix: str, names: Any, kind: type[State], problems: list[Problem]
) -> tuple[State, ...]:
    found = []
    for at, code in enumerate(codes):
        try:
            found.append(kind(names.Name(code).removeprefix(prefix)))
        except ValueError:
            problems.append(Problem(f"states[{at}]", f"must be one of {', '.join(f'{prefix}{item}' for item in kind)}"))
    return tuple(found)
