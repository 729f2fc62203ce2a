"""What happened to a seat, as it was published: its own events and its team's, and nobody else's."""

from typing import Any

from groupbuy.team_formation.v1 import history_pb2, team_formation_internal_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from tests.support.formation import Formation
from tests.support.shop_api import SERVICE_KEY, Api, a_request, refused


async def a_team(api: Api) -> tuple[pb.OpenTeamResponse, pb.JoinTeamResponse]:
    """Mei opens, Tom joins and confirms, Mei confirms: it tips; Ann joins and leaves."""
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    opened = await api.call(
        "OpenTeam", pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei")
    )
    joined = await join(api, opened.team.team_id, "tom")
    await confirm(api, joined.seat)
    await confirm(api, opened.seat)
    ann = await join(api, opened.team.team_id, "ann")
    await api.call("LeaveTeam", pb.LeaveTeamRequest(request_id="l-ann", seat_id=ann.seat.seat_id))
    return opened, joined


async def join(api: Api, team_id: str, member: str) -> Any:
    request = pb.JoinTeamRequest(request_id=f"j-{member}", team_id=team_id, member_id=member, sku="mango", quantity=1)
    return await api.call("JoinTeam", request)


async def confirm(api: Api, seat: Any) -> None:
    request = pb.ConfirmSeatRequest(
        request_id=f"c-{seat.member_id}", seat_id=seat.seat_id, amount=seat.cap, payment_reference="pay"
    )
    await api.call("ConfirmSeat", request)


def facts(answer: Any) -> list[tuple[int, str]]:
    return [(event.sequence, event.WhichOneof("fact")) for event in answer.events]


async def test_a_seats_own_events_and_its_teams_in_order(api: Api) -> None:
    opened, joined = await a_team(api)
    told = await api.call("ListSeatEvents", history_pb2.ListSeatEventsRequest(seat_id=joined.seat.seat_id))
    assert facts(told) == [
        (1, "team_opened"),
        (3, "seat_held"),
        (4, "seat_confirmed"),
        (6, "team_tipped"),
    ]
    assert (told.complete, told.next_page_token) == (True, "")
    assert told.events[2].seat_confirmed.payment_reference == "pay"
    leader = await api.call("ListSeatEvents", history_pb2.ListSeatEventsRequest(seat_id=opened.seat.seat_id))
    assert facts(leader) == [(1, "team_opened"), (2, "seat_held"), (5, "seat_confirmed"), (6, "team_tipped")]


async def test_page_by_page(api: Api) -> None:
    _, joined = await a_team(api)
    seat_id = joined.seat.seat_id
    first = await api.call("ListSeatEvents", history_pb2.ListSeatEventsRequest(seat_id=seat_id, page_size=3))
    request = history_pb2.ListSeatEventsRequest(seat_id=seat_id, page_size=3, page_token=first.next_page_token)
    second = await api.call("ListSeatEvents", request)
    assert [number for number, _ in facts(first) + facts(second)] == [1, 3, 4, 6]
    assert (second.complete, second.next_page_token) == (True, "")
    wrong = history_pb2.ListSeatEventsRequest(seat_id=seat_id, page_size=3, page_token="nonsense")
    assert (await refused(api.call("ListSeatEvents", wrong)))[1] == "PAGE_TOKEN_INVALID"


async def test_what_is_no_longer_kept_is_said_to_be_missing(api: Api, formation: Formation) -> None:
    _, joined = await a_team(api)
    async with formation.database.work() as work:
        await work.connection.execute("DELETE FROM outbox WHERE sequence < 4 AND aggregatetype = 'groupbuy.team.v1'")
    told = await api.call("ListSeatEvents", history_pb2.ListSeatEventsRequest(seat_id=joined.seat.seat_id))
    assert (facts(told), told.complete) == ([(4, "seat_confirmed"), (6, "team_tipped")], False)


async def test_only_ones_own_seats(api: Api) -> None:
    _, joined = await a_team(api)
    metadata = (("authorization", f"Bearer {SERVICE_KEY}"),)
    other = team_formation_internal_pb2.CreatePlatformRequest(name="other")
    stranger = (await api.internal.CreatePlatform(other, metadata=metadata)).key
    for seat_id, key in ((joined.seat.seat_id, stranger), ("seat_x", None), ("", None)):
        request = history_pb2.ListSeatEventsRequest(seat_id=seat_id)
        assert (await refused(api.call("ListSeatEvents", request, key)))[1] == "SEAT_UNKNOWN"
