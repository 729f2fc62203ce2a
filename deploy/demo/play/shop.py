"""What the shop, its staff and a live host do to a team or a campaign."""

from collections.abc import Callable
from datetime import timedelta
from time import perf_counter
from typing import Any

from groupbuy.team_formation.v1.team_formation_service_pb2 import (
    CancelCampaignRequest,
    CancelTeamRequest,
    DefaultSeatRequest,
    DirectCampaignRequest,
    PauseCampaignRequest,
    ResumeCampaignRequest,
    SponsorTeamRequest,
)
from groupbuy.team_formation.v1.types_pb2 import CampaignState, Team

from deploy.demo.actor import Refused
from deploy.demo.play.turn import Turn
from deploy.demo.scene import model
from deploy.demo.show.text import counted, span


async def default(turn: Turn, step: model.Default) -> None:
    """The money of a member's seat did not come."""
    seat = turn.world.seat_of(step.member)
    await turn.announce(f"{step.member}'s money does not come")
    request = DefaultSeatRequest(seat_id=seat.seat_id, reason=step.reason)
    began = perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.teams.DefaultSeat, request)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "DefaultSeat")
        return
    turn.not_refused(step.refused, "it was accepted")
    words = f"{step.member}'s seat has defaulted"
    await turn.changed(step.member, answer.seat, answer.team, began, words, "DefaultSeat")


async def sponsor(turn: Turn, step: model.Sponsor) -> None:
    """The shop fills places of the team itself."""
    places = counted(step.places, "place")
    await turn.announce(f"the shop sponsors {places}")
    request = SponsorTeamRequest(team_id=turn.world.the_team().team_id, sku=step.sku, places=step.places)
    began = perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.teams.SponsorTeam, request)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "SponsorTeam")
        return
    turn.not_refused(step.refused, f"{places} could be sponsored")
    pretended = [seat.member_id for seat in answer.seats if seat.member_id or not seat.sponsored]
    turn.record.broken += [f"a sponsored seat seems to be {member}'s" for member in pretended]
    totals = answer.team.totals
    words = f"{totals.confirmed_members} of {answer.team.maximum} filled, {totals.sponsored_members} sponsored"
    await _team_changed(turn, answer.team, began, words, "SponsorTeam")


async def cancel(turn: Turn, step: model.Cancel) -> None:
    """The shop gives the team or the campaign up."""
    await (_cancel_team if step.what == "team" else _cancel_campaign)(turn, step)


async def _cancel_team(turn: Turn, step: model.Cancel) -> None:
    await turn.announce("the shop gives the team up")
    request = CancelTeamRequest(team_id=turn.world.the_team().team_id, reason=step.reason)
    began = perf_counter()
    try:
        answer = await turn.shop.ask(turn.shop.teams.CancelTeam, request)
    except Refused as refused:
        await turn.refused(began, refused, step.refused, "CancelTeam")
        return
    turn.not_refused(step.refused, "the team could be given up")
    await _team_changed(turn, answer.team, began, "the team is given up", "CancelTeam")


async def _cancel_campaign(turn: Turn, step: model.Cancel) -> None:
    request = CancelCampaignRequest(formed_too=step.formed_too, reason=step.reason)
    await _campaign(turn, "the shop gives the campaign up", turn.shop.teams.CancelCampaign, request, step.refused)


async def pause(turn: Turn, step: model.Pause) -> None:
    """The campaign stops for a while."""
    request = PauseCampaignRequest(actor=step.actor)
    words = f"{step.actor} stops the campaign for a while"
    await _campaign(turn, words, turn.shop.teams.PauseCampaign, request, step.refused)


async def resume(turn: Turn, step: model.Resume) -> None:
    """The campaign goes on."""
    request = ResumeCampaignRequest(actor=step.actor)
    words = f"{step.actor} lets the campaign go on"
    await _campaign(turn, words, turn.shop.teams.ResumeCampaign, request, step.refused)


async def direct(turn: Turn, step: model.Direct) -> None:
    """A live host directs the campaign."""
    request = DirectCampaignRequest(actor=step.actor)
    words = _ACTIONS[step.action](request, step)
    await _campaign(turn, f"{step.actor} {words}", turn.shop.teams.DirectCampaign, request, step.refused)


def _start(request: DirectCampaignRequest, _step: model.Direct) -> str:
    request.start_now.SetInParent()
    return "starts the campaign"


def _show(request: DirectCampaignRequest, step: model.Direct) -> str:
    request.show_item.sku = step.sku
    return f"shows {step.sku}"


def _release(request: DirectCampaignRequest, step: model.Direct) -> str:
    request.release_units.sku, request.release_units.units = step.sku, step.units
    return f"offers {counted(step.units, 'more unit')} of {step.sku}"


def _longer(request: DirectCampaignRequest, step: model.Direct) -> str:
    request.extend.by.FromTimedelta(timedelta(seconds=step.seconds))
    return f"lets the campaign end {span(step.seconds)} later"


def _close_in(request: DirectCampaignRequest, step: model.Direct) -> str:
    getattr(request.close, "in").FromTimedelta(timedelta(seconds=step.seconds))  # a keyword of Python
    return f"closes the campaign in {span(step.seconds)}"


_ACTIONS: dict[str, Callable[[DirectCampaignRequest, model.Direct], str]] = {
    "start": _start,
    "show": _show,
    "release": _release,
    "longer": _longer,
    "close_in": _close_in,
}


async def _campaign(turn: Turn, words: str, method: Any, request: Any, expected: str) -> None:
    """Change the campaign and show where it stands; what becomes of its teams comes when they are looked at next."""
    await turn.announce(words)
    request.campaign_id = turn.world.campaign.campaign_id
    call = request.DESCRIPTOR.name.removesuffix("Request")
    began = perf_counter()
    try:
        answer = await turn.shop.ask(method, request)
    except Refused as refused:
        await turn.refused(began, refused, expected, call)
        return
    turn.not_refused(expected, "it was done")
    turn.world.campaign = answer.campaign
    state = CampaignState.Name(answer.campaign.state).removeprefix("CAMPAIGN_STATE_")
    turn.answered(began, f"the campaign is {state}, version {answer.campaign.version}", call)
    turn.effects.flush()
    await turn.stage.beat(1.0)


async def _team_changed(turn: Turn, team: Team, began: float, what: str, call: str) -> None:
    before = turn.world.the_team()
    turn.world.team = team
    await turn.world.refresh_seats()
    turn.answered(began, what, call)
    turn.show_team()
    await turn.follow(before, began)
