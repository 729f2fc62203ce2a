"""The story of an invite: whose it is, where it leads, what it brought."""

from collections.abc import Iterator
from typing import Any

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from deploy.story.seat_story import cap_text
from deploy.story.shop import Shop
from deploy.story.words import amount, at, units, word


def invite_lines(shop: Shop, invite: Any, *, buyer: bool) -> Iterator[str]:
    """Tell it line by line: to a buyer only where it leads, what it costs there, and who earns by it."""
    yield f"{invite.invite_id}{'' if buyer else _whose(invite)}"
    if invite.HasField("expires_at"):
        yield f"  ends {at(invite.expires_at)}"
    if invite.HasField("revoked_at"):
        yield f"  taken back {at(invite.revoked_at)}"
    if invite.disclosure:
        yield f"  {invite.disclosure}"
    yield from _team(shop, invite.team_id)
    if not buyer:
        yield from _brought(shop, invite)


def _whose(invite: Any) -> str:
    maker = f"member {invite.member_id}" if invite.member_id else f"promoter {invite.promoter_id}"
    note = f', "{invite.label}"' if invite.label else ""
    return f", made {at(invite.created_at)} by {maker} for {invite.channel or 'any channel'}{note}"


def _team(shop: Shop, team_id: str) -> Iterator[str]:
    team = shop.ask(shop.teams.GetTeam, pb.GetTeamRequest(team_id=team_id)).team
    totals = team.totals
    yield f"leads to {team_id}: {word(team, 'state')}, {totals.confirmed_members} confirmed of at most {team.maximum}"
    for price in team.prices:
        following = f", the next tier {amount(price.next_unit_price)}" if price.HasField("next_unit_price") else ""
        yield f"  {price.sku}, {word(price, 'role')}: {amount(price.unit_price)}{following}"


def _brought(shop: Shop, invite: Any) -> Iterator[str]:
    report = shop.ask(shop.teams.GetInviteReport, pb.GetInviteReportRequest(invite_id=invite.invite_id)).report
    funnel = report.funnel
    yield (
        f"brought {funnel.opened} looks, {funnel.joined} joined, {funnel.confirmed} confirmed, {funnel.formed} formed"
        f" ({units(funnel.units)}, {amount(funnel.amount)}), {funnel.left} left, {funnel.expired} expired"
    )
    if report.commission_basis_points:
        yield f"commission {report.commission_basis_points / 100:g} %: {amount(report.commission)}"
    for seat in shop.pages(shop.teams.ListSeats, pb.ListSeatsRequest(team_id=invite.team_id), "seats"):
        if seat.invite_id == invite.invite_id:
            yield (
                f"  {seat.seat_id} {seat.member_id}: {word(seat, 'state')}, {units(seat.quantity)} of {seat.sku},"
                f" {cap_text(seat)}"
            )
