"""Finds what a story is about: a seat by its id, seats by the platform's order, an invite by id or code."""

import re
from dataclasses import dataclass
from typing import Any

import grpc
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from deploy.local.errors import LocalError
from deploy.story.shop import RefusedError, Shop

_CODE = re.compile(r"[0-9A-Za-z]{12}")


@dataclass(frozen=True)
class Found:
    """Seats, or one invite."""

    seats: tuple[Any, ...] = ()
    invite: Any = None


def find(shop: Shop, reference: str, campaign_id: str = "") -> Found:
    """Find what a reference names; LocalError where it names nothing.

    An order is looked for in every campaign, unless one is named. What looks like a code is first asked for as one.
    """
    if reference.startswith("seat_"):
        return Found(seats=(shop.ask(shop.teams.GetSeat, pb.GetSeatRequest(seat_id=reference)).seat,))
    if reference.startswith("inv_"):
        return Found(invite=shop.ask(shop.teams.GetInvite, pb.GetInviteRequest(invite_id=reference)).invite)
    if _CODE.fullmatch(reference) and (invite := _by_code(shop, reference)):
        return Found(invite=invite)
    if seats := _of_order(shop, reference, campaign_id):
        return Found(seats=seats)
    raise LocalError(
        f'"{reference}" is no seat, order or invite of this platform.',
        "Give a seat's id (seat_...), the external_ref of an order, or an invite's id (inv_...) or code.",
    )


def _by_code(shop: Shop, code: str) -> Any | None:
    try:
        return shop.ask(shop.teams.ResolveInvite, pb.ResolveInviteRequest(code=code)).invite
    except RefusedError as refused:
        if refused.code is grpc.StatusCode.NOT_FOUND:
            return None
        raise


def _of_order(shop: Shop, external_ref: str, campaign_id: str) -> tuple[Any, ...]:
    ids = [campaign_id] if campaign_id else [campaign.campaign_id for campaign in _campaigns(shop)]
    return tuple(
        seat
        for each in ids
        for seat in shop.pages(
            shop.teams.ListSeats, pb.ListSeatsRequest(campaign_id=each, external_ref=external_ref), "seats"
        )
    )


def _campaigns(shop: Shop) -> list[Any]:
    return list(shop.pages(shop.teams.ListCampaigns, pb.ListCampaignsRequest(), "campaigns"))
