"""SimulateJoins: a crowd joins, confirms and leaves by the calls that a platform makes, once for each request id."""

from collections import Counter
from typing import Any

import pytest
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.team_formation.v1 import abuse_pb2, crowd_pb2, keys_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.team_formation import translate
from tests.support.crowding import violations
from tests.support.formation import Formation
from tests.support.shop_api import Api, a_request, refused


@pytest.fixture
async def key(api: Api) -> str:
    """A key of the platform's test twin."""
    request = keys_pb2.TeamFormationCreateKeyRequest(request_id="twin", scopes=[scope_pb2.SCOPE_ADMIN], test=True)
    secret: str = (await api.call("CreateKey", request)).secret
    return secret


async def a_campaign(api: Api, key: str, maximum: int = 5, **changes: Any) -> str:
    """Begin a campaign of the twin."""
    request = a_request()
    request.rules.maximum, request.rules.max_units_per_seat = maximum, 2
    request.MergeFrom(pb.CreateCampaignRequest(**changes))
    campaign_id: str = (await api.call("CreateCampaign", request, key)).campaign.campaign_id
    return campaign_id


async def a_team(api: Api, key: str, campaign_id: str) -> str:
    """Open a team."""
    opening = pb.OpenTeamRequest(request_id="o", campaign_id=campaign_id, member_id="mei", sku="mango")
    team_id: str = (await api.call("OpenTeam", opening, key)).team.team_id
    return team_id


def outcomes(answer: crowd_pb2.SimulateJoinsResponse) -> dict[str, int]:
    """Give what came of a crowd."""
    return {f"{one.call} {one.outcome}": one.count for one in answer.outcomes}


def wanted(**fields: Any) -> crowd_pb2.SimulateJoinsRequest:
    """Make a request for a crowd of the seed 7."""
    return crowd_pb2.SimulateJoinsRequest(**{"request_id": "crowd", "members": 20, "seed": 7, **fields})


async def test_a_crowd_meets_a_team_that_is_too_small(api: Api, key: str, formation: Formation) -> None:
    team = await a_team(api, key, await a_campaign(api, key, maximum=10))
    answer = await api.call("SimulateJoins", wanted(team_id=team), key)
    assert outcomes(answer) == {"JoinTeam SEAT": 9, "JoinTeam TEAM_FULL": 11}
    assert [(one.call, one.outcome) for one in answer.outcomes] == [("JoinTeam", "TEAM_FULL"), ("JoinTeam", "SEAT")]
    assert list(answer.team_ids) == [team]
    [(many,)] = await formation.rows("SELECT count(*) FROM seats WHERE member_id LIKE 'test_member_7_%%'")
    assert many == 9
    assert await violations(formation) == {}


async def test_a_crowd_of_a_campaign_opens_the_teams_that_it_needs(api: Api, key: str, formation: Formation) -> None:
    campaign = await a_campaign(api, key, maximum=6)
    asked = wanted(campaign_id=campaign, confirming_percent=100, quantity=2)
    answer = await api.call("SimulateJoins", asked, key)
    assert outcomes(answer) == {"OpenTeam SEAT": 4, "JoinTeam SEAT": 16, "ConfirmSeat CONFIRMED": 20}
    assert len(answer.team_ids) == 4
    states = Counter(await formation.rows("SELECT state, confirmed_members::int FROM teams"))
    assert states == {("FORMED", 6): 3, ("TIPPED", 2): 1}
    paid = await formation.rows("SELECT count(DISTINCT payment_reference), sum(quantity)::int FROM seats")
    assert paid == [(20, 40)]
    assert await violations(formation) == {}


async def test_some_confirm_and_some_leave(api: Api, key: str, formation: Formation) -> None:
    team = await a_team(api, key, await a_campaign(api, key, maximum=500))
    asked = wanted(team_id=team, members=200, confirming_percent=50, leaving_percent=25)
    answer = outcomes(await api.call("SimulateJoins", asked, key))
    assert answer["JoinTeam SEAT"] == 200
    assert 70 < answer["ConfirmSeat CONFIRMED"] < 130
    assert 30 < answer["LeaveTeam LEFT"] + answer.get("LeaveTeam LEAVE_CLOSED", 0) < 70
    assert await violations(formation) == {}


async def test_the_same_request_again_changes_nothing_and_says_the_same(
    api: Api, key: str, formation: Formation
) -> None:
    team = await a_team(api, key, await a_campaign(api, key, maximum=10))
    asked = wanted(team_id=team, confirming_percent=50, leaving_percent=50)
    first = await api.call("SimulateJoins", asked, key)
    rows = await formation.rows("SELECT seat_id, state FROM seats ORDER BY seat_id")
    assert await api.call("SimulateJoins", asked, key) == first
    # as where the process died before the crowd's own answer was stored
    await formation.rows("WITH gone AS (DELETE FROM requests WHERE rpc = 'SimulateJoins' RETURNING 1) SELECT 1")
    assert await api.call("SimulateJoins", asked, key) == first
    assert await formation.rows("SELECT seat_id, state FROM seats ORDER BY seat_id") == rows
    assert (await refused(api.call("SimulateJoins", wanted(team_id=team, members=3), key)))[1] == "REQUEST_ID_REUSED"


async def test_a_crowd_by_an_invite_meets_its_rules(api: Api, key: str) -> None:
    rules = [
        abuse_pb2.AbuseRule(
            signal=abuse_pb2.ABUSE_SIGNAL_SEATS_PER_DEVICE, action=abuse_pb2.ABUSE_ACTION_REFUSE, limit=2
        )
    ]
    team = await a_team(api, key, await a_campaign(api, key, maximum=100, abuse_rules=rules))
    inviting = pb.CreateInviteRequest(request_id="i", team_id=team, member_id="mei", channel="wechat", max_uses=7)
    code = (await api.call("CreateInvite", inviting, key)).invite.code
    answer = await api.call("SimulateJoins", wanted(invite_code=code, members_per_device=4), key)
    assert outcomes(answer) == {
        "JoinTeam SEAT": 7,
        "JoinTeam JOIN_SUSPECTED": 6,
        "JoinTeam INVITE_USED_UP": 7,
    }


async def test_where_no_team_can_be_opened_each_tries(api: Api, key: str) -> None:
    campaign = await a_campaign(api, key, draft=True)
    answer = await api.call("SimulateJoins", wanted(campaign_id=campaign), key)
    assert outcomes(answer) == {"OpenTeam CAMPAIGN_DRAFT": 20}


async def test_a_crowd_is_for_twins_and_of_things_that_are_there(api: Api, key: str) -> None:
    campaign = await a_campaign(api, key)
    nothing = translate.team_id(ids.new_id(), ids.new_id())
    for fields, reason, by in (
        ({"campaign_id": campaign}, "SANDBOX_ONLY", None),
        ({"campaign_id": "camp_x"}, "CAMPAIGN_UNKNOWN", key),
        ({"team_id": nothing}, "TEAM_UNKNOWN", key),
        ({"invite_code": "0" * 12}, "INVITE_UNKNOWN", key),
        ({"campaign_id": campaign, "request_id": ""}, "INVALID_ARGUMENT", key),
    ):
        assert (await refused(api.call("SimulateJoins", wanted(**fields), by)))[1] == reason
    bad = {"members": 1001, "confirming_percent": 101, "leaving_percent": -1, "members_per_device": -1, "quantity": -1}
    _, reason, named = await refused(api.call("SimulateJoins", wanted(**bad), key))
    assert (reason, set(named)) == ("INVALID_ARGUMENT", {*bad, "into"})


async def test_a_thousand_at_once(api: Api, key: str, formation: Formation) -> None:
    campaign = await a_campaign(api, key, maximum=400)
    answer = await api.call("SimulateJoins", wanted(campaign_id=campaign, members=1000, confirming_percent=10), key)
    assert outcomes(answer)["JoinTeam SEAT"] + outcomes(answer)["OpenTeam SEAT"] == 1000
    assert await violations(formation) == {}
