"""The public API over a real gRPC server, with pricing's own compiler behind it."""

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis.clock import ManualClock
from tests.support.formation import Formation
from tests.support.shop_api import SERVICE_KEY, Api, a_request, refused
from tests.support.until import until


async def test_from_campaign_to_a_seat_by_an_invite(api: Api) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    steps = campaign.price_table.rows[0].steps
    assert [(step.threshold, step.unit_price) for step in steps] == [(0, 3990), (2, 3490), (3, 2990), (5, 2490)]
    opened = await api.call(
        "OpenTeam", pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei")
    )
    invite = (
        await api.call(
            "CreateInvite",
            pb.CreateInviteRequest(
                request_id="i", team_id=opened.team.team_id, member_id="mei", channel="wechat", label="Mei"
            ),
        )
    ).invite
    found = await api.call("ResolveInvite", pb.ResolveInviteRequest(code=invite.code))
    assert found.team.team_id == opened.team.team_id
    assert found.campaign.presentation.seller == "Fruit Shop"
    joined = await api.call("JoinTeam", pb.JoinTeamRequest(request_id="j", invite_code=invite.code, member_id="tom"))
    assert joined.seat.invite_id == invite.invite_id
    assert joined.seat.role == ladder_pb2.ROLE_MEMBER
    listed = await api.call("ListSeats", pb.ListSeatsRequest(team_id=opened.team.team_id, page_size=1))
    assert [seat.member_id for seat in listed.seats] == ["mei"]
    more = pb.ListSeatsRequest(team_id=opened.team.team_id, page_size=1, page_token=listed.next_page_token)
    assert [seat.member_id for seat in (await api.call("ListSeats", more)).seats] == ["tom"]
    seat = await api.call("GetSeat", pb.GetSeatRequest(seat_id=joined.seat.seat_id))
    assert seat.seat == joined.seat
    again = await api.call("CreateCampaign", a_request())
    assert again.campaign.campaign_id == campaign.campaign_id


@pytest.mark.parametrize(
    ("language", "said"),
    [("", "Advertising"), ("zh-CN", "广告"), ("es-MX", "Publicidad"), ("tlh", "Advertising")],
)
async def test_an_invite_that_earns_a_commission_says_so_wherever_it_is_shown(
    api: Api, language: str, said: str
) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign.campaign_id
    opening = pb.OpenTeamRequest(request_id="o", campaign_id=campaign, member_id="mei")
    team = (await api.call("OpenTeam", opening)).team.team_id

    async def shown(number: int, **maker: Any) -> list[str]:
        making = pb.CreateInviteRequest(
            request_id=f"i{number}", team_id=team, channel="wechat", language=language, **maker
        )
        made = (await api.call("CreateInvite", making)).invite
        answers: list[Any] = [
            made,
            (await api.call("GetInvite", pb.GetInviteRequest(invite_id=made.invite_id, language=language))).invite,
            (await api.call("ResolveInvite", pb.ResolveInviteRequest(code=made.code, language=language))).invite,
            (
                await api.call("ResolveShareText", pb.ResolveShareTextRequest(text=made.url, language=language))
            ).invite.invite,
            await api.call("GetInviteQr", pb.GetInviteQrRequest(invite_id=made.invite_id, language=language)),
            *(
                invite
                for invite in (
                    await api.call("ListInvites", pb.ListInvitesRequest(campaign_id=campaign, language=language))
                ).invites
                if invite.invite_id == made.invite_id
            ),
        ]
        revoking = pb.RevokeInviteRequest(request_id=f"r{number}", invite_id=made.invite_id, language=language)
        answers.append((await api.call("RevokeInvite", revoking)).invite)
        return [answer.disclosure for answer in answers]

    earning = await shown(1, promoter_id="kol", commission_basis_points=500)
    assert len(earning) == 7
    assert len(set(earning)) == 1
    assert earning[0].startswith(said)
    assert set(await shown(2, promoter_id="kol")) == set(await shown(3, member_id="mei")) == {""}


async def test_a_language_that_is_none_is_refused_by_its_name(api: Api) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign.campaign_id
    opening = pb.OpenTeamRequest(request_id="o", campaign_id=campaign, member_id="mei")
    team = (await api.call("OpenTeam", opening)).team.team_id
    making = pb.CreateInviteRequest(request_id="i", team_id=team, channel="wechat", member_id="mei")
    invite = (await api.call("CreateInvite", making)).invite
    requests: dict[str, Any] = {
        "CreateInvite": making,
        "RevokeInvite": pb.RevokeInviteRequest(request_id="r", invite_id=invite.invite_id),
        "GetInvite": pb.GetInviteRequest(invite_id=invite.invite_id),
        "ListInvites": pb.ListInvitesRequest(campaign_id=campaign),
        "ResolveInvite": pb.ResolveInviteRequest(code=invite.code),
        "ResolveShareText": pb.ResolveShareTextRequest(text=invite.url),
        "GetInviteQr": pb.GetInviteQrRequest(invite_id=invite.invite_id),
        "GetShareLinks": pb.GetShareLinksRequest(invite_id=invite.invite_id),
    }
    for method, request in requests.items():
        request.language = "x" * 36
        _, reason, fields = await refused(api.call(method, request))
        assert (reason, list(fields)) == ("INVALID_ARGUMENT", ["language"]), method


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"request_id": ""}, "request_id"),
        ({"request_id": "a b"}, "request_id"),
        ({"merchant_id": ""}, "merchant_id"),
        ({"rules__minimum": 0}, "rules.minimum"),
        ({"rules__maximum": 1}, "rules.maximum"),
        ({"rules__payment_mode": 0}, "rules.payment_mode"),
        ({"rules__leave_until": 99}, "rules.leave_until"),
        ({"currency": "USD"}, "items[0].list_price.currency"),
        ({"presentation__time_zone": "Mars/Olympus"}, "presentation.time_zone"),
        ({"presentation__checkout_url": "http://shop.example"}, "presentation.checkout_url"),
        ({"presentation__checkout_url": "http://127.0.0.1.shop.example"}, "presentation.checkout_url"),
        ({"presentation__image_url": "http://127.0.0.1/mango.png"}, "presentation.image_url"),
    ],
)
async def test_a_campaign_with_a_bad_field_is_refused_by_its_name(
    api: Api, changes: dict[str, Any], field: str
) -> None:
    code, reason, fields = await refused(api.call("CreateCampaign", a_request(**changes)))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert field in fields


async def test_a_ladder_that_does_not_fall_is_refused_by_pricing(api: Api) -> None:
    request = a_request()
    request.ladder.tiers[1].threshold = 2
    code, reason, fields = await refused(api.call("CreateCampaign", request))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "LADDER_INVALID")
    assert any(field.startswith("ladder.tiers[1]") for field in fields)
    request.request_id = "campaign-2"
    request.ladder.tiers[1].threshold = 3
    request.ladder.tiers[2].discounts[0].fixed_price = -1
    _, reason, fields = await refused(api.call("CreateCampaign", request))
    assert reason == "LADDER_INVALID"
    assert any(field.startswith("ladder.tiers[2]") for field in fields)


@pytest.mark.parametrize("member", ["mei@example.com", "+49 151 1234567", "13812345678", "", "a b", "x" * 65])
async def test_a_member_id_must_be_opaque(api: Api, member: str) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    request = pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id=member)
    code, _, fields = await refused(api.call("OpenTeam", request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(fields) == ["member_id"]


async def test_what_does_not_exist_is_not_found(api: Api) -> None:
    calls = [
        ("GetTeam", pb.GetTeamRequest(team_id="team_x"), "TEAM_UNKNOWN"),
        ("GetSeat", pb.GetSeatRequest(seat_id="seat_x"), "SEAT_UNKNOWN"),
        ("GetCampaign", pb.GetCampaignRequest(campaign_id="camp_x"), "CAMPAIGN_UNKNOWN"),
        ("ResolveInvite", pb.ResolveInviteRequest(code="AAAAAAAAAAAA"), "INVITE_UNKNOWN"),
        ("JoinTeam", pb.JoinTeamRequest(request_id="j", invite_code="!", member_id="tom"), "INVITE_UNKNOWN"),
        ("LeaveTeam", pb.LeaveTeamRequest(request_id="l", seat_id="seat_x"), "SEAT_UNKNOWN"),
        ("RevokeInvite", pb.RevokeInviteRequest(request_id="r", invite_id="inv_x"), "INVITE_UNKNOWN"),
    ]
    for method, request, reason in calls:
        assert (await refused(api.call(method, request)))[:2] == (grpc.StatusCode.NOT_FOUND, reason)


async def test_another_platforms_things_look_like_none(api: Api) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    opened = await api.call(
        "OpenTeam", pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei")
    )
    metadata = (("authorization", f"Bearer {SERVICE_KEY}"),)
    other = (await api.internal.CreatePlatform(internal_pb.CreatePlatformRequest(name="other"), metadata=metadata)).key
    unknown = "team_" + "A" * 43
    mine = await refused(api.call("GetTeam", pb.GetTeamRequest(team_id=opened.team.team_id), other))
    none = await refused(api.call("GetTeam", pb.GetTeamRequest(team_id=unknown), other))
    assert mine == none
    request = pb.GetSeatRequest(seat_id=opened.seat.seat_id)
    assert (await refused(api.call("GetSeat", request, other)))[1] == "SEAT_UNKNOWN"
    assert (await refused(api.call("GetCampaign", pb.GetCampaignRequest(campaign_id=campaign.campaign_id), other)))[
        1
    ] == "CAMPAIGN_UNKNOWN"


async def test_a_wrong_key_is_refused_everywhere(api: Api) -> None:
    request = pb.GetTeamRequest(team_id="team_x")
    assert (await refused(api.call("GetTeam", request, "gbk_0_0")))[:2] == (
        grpc.StatusCode.UNAUTHENTICATED,
        "KEY_UNKNOWN",
    )
    assert (await refused(api.stub.GetTeam(request)))[1] == "KEY_MISSING"
    wrong = (("authorization", f"Bearer {api.key}"),)
    call = api.internal.CreatePlatform(internal_pb.CreatePlatformRequest(name="x"), metadata=wrong)
    assert (await refused(call))[:2] == (grpc.StatusCode.UNAUTHENTICATED, "KEY_UNKNOWN")


async def test_watching_gives_the_state_at_once_and_then_the_latest(api: Api, formation: Formation) -> None:
    campaign = (await api.call("CreateCampaign", a_request(rules__maximum=2))).campaign
    opened = await api.call(
        "OpenTeam", pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei")
    )
    metadata = (("authorization", f"Bearer {api.key}"),)
    stream = api.stub.WatchTeam(pb.WatchTeamRequest(team_id=opened.team.team_id), metadata=metadata)
    first = await stream.read()
    assert first.team == opened.team
    await _confirm(api, opened.seat, "c1")
    joined = await api.call(
        "JoinTeam", pb.JoinTeamRequest(request_id="j", team_id=opened.team.team_id, member_id="tom")
    )
    await api.watch.run_once()
    second = await stream.read()
    assert second.team.version == joined.team.version
    assert second.team.totals.held_members == 1
    await _confirm(api, joined.seat, "c2")
    await api.watch.run_once()
    last = await stream.read()
    assert last.team.state == types_pb2.TEAM_STATE_FORMED
    assert last.team.prices[0].unit_price.minor_units == 3490
    assert await stream.read() is grpc.aio.EOF


async def test_watching_a_campaign_gives_its_sums(api: Api) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    metadata = (("authorization", f"Bearer {api.key}"),)
    stream = api.stub.WatchCampaign(pb.WatchCampaignRequest(campaign_id=campaign.campaign_id), metadata=metadata)
    first = await stream.read()
    assert (first.open_teams, first.state) == (0, types_pb2.CAMPAIGN_STATE_RUNNING)
    await api.call("OpenTeam", pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei"))
    await api.watch.run_once()
    second = await stream.read()
    assert (second.open_teams, second.totals.held_members) == (1, 1)
    assert second.revision > first.revision
    stream.cancel()
    unknown = api.stub.WatchCampaign(pb.WatchCampaignRequest(campaign_id="camp_x"), metadata=metadata)
    assert (await refused(unknown.read()))[1] == "CAMPAIGN_UNKNOWN"


async def test_events_of_a_team_can_be_read_again_by_the_services(api: Api) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    opened = await api.call(
        "OpenTeam", pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei")
    )
    metadata = (("authorization", f"Bearer {SERVICE_KEY}"),)
    platforms = await api.internal.ListPlatforms(internal_pb.ListPlatformsRequest(), metadata=metadata)
    [platform] = platforms.platforms
    assert platform.name == "shop"
    request = internal_pb.ListTeamEventsRequest(platform_id=platform.platform_id, team_id=opened.team.team_id)
    found = await api.internal.ListTeamEvents(request, metadata=metadata)
    assert [event.sequence for event in found.events] == [1, 2]
    request.after_version = 1
    assert [
        event.WhichOneof("fact") for event in (await api.internal.ListTeamEvents(request, metadata=metadata)).events
    ] == ["seat_held"]


async def _confirm(api: Api, seat: types_pb2.Seat, request_id: str) -> None:
    await api.call(
        "ConfirmSeat",
        pb.ConfirmSeatRequest(
            request_id=request_id, seat_id=seat.seat_id, amount=seat.cap, payment_reference=f"pay-{request_id}"
        ),
    )


async def test_a_reader_that_leaves_is_forgotten(api: Api) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    opened = await api.call(
        "OpenTeam", pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei")
    )
    metadata = (("authorization", f"Bearer {api.key}"),)
    stream = api.stub.WatchTeam(pb.WatchTeamRequest(team_id=opened.team.team_id), metadata=metadata)
    await stream.read()
    assert api.watch.readers == 1
    stream.cancel()
    await until(lambda: api.watch.readers == 0)


async def test_a_request_decided_before_has_its_answer_though_its_campaign_is_over(
    api: Api, clock: ManualClock
) -> None:
    first = await api.call("CreateCampaign", a_request())
    clock.move(timedelta(days=3))
    assert await api.call("CreateCampaign", a_request()) == first
    _, reason, _ = await refused(api.call("CreateCampaign", a_request(merchant_id="merchant-8")))
    assert reason == "REQUEST_ID_REUSED"


async def test_a_campaign_that_no_record_of_kafka_could_carry_is_refused(api: Api) -> None:
    request = a_request()
    del request.items[:], request.ladder.tiers[:]
    for at in range(100):
        request.items.add(sku=f"{at:064}", list_price=Money(minor_units=10_000, currency="EUR"))
    for threshold in range(1, 61):
        tier = request.ladder.tiers.add(threshold=threshold)
        tier.discounts.extend(ladder_pb2.Discount(sku=item.sku, amount_off=threshold) for item in request.items)
    code, reason, fields = await refused(api.call("CreateCampaign", request))
    assert (code, reason, list(fields)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", ["ladder"])
    assert "take fewer items or tiers" in fields["ladder"]


async def test_the_dearest_seat_that_a_campaign_allows_can_be_confirmed(api: Api) -> None:
    request = a_request(rules__maximum=1_000_000, rules__counted_in=types_pb2.COUNTED_IN_UNITS)
    request.rules.max_units_per_seat = 1_000_000
    request.items[0].list_price.minor_units = 10**12
    del request.ladder.tiers[:]
    campaign = (await api.call("CreateCampaign", request)).campaign
    opened = await api.call(
        "OpenTeam",
        pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei", quantity=1_000_000),
    )
    confirmed = await api.call(
        "ConfirmSeat",
        pb.ConfirmSeatRequest(
            request_id="c",
            seat_id=opened.seat.seat_id,
            amount=Money(minor_units=10**18, currency="EUR"),
            payment_reference="pay-1",
        ),
    )
    assert confirmed.team.state == types_pb2.TEAM_STATE_FORMED


async def test_a_reader_who_claims_a_version_to_come_sees_the_changes_and_the_end(
    api: Api, formation: Formation
) -> None:
    campaign = (await api.call("CreateCampaign", a_request())).campaign
    opened = await api.call(
        "OpenTeam", pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei")
    )
    metadata = (("authorization", f"Bearer {api.key}"),)
    watching = pb.WatchTeamRequest(team_id=opened.team.team_id, after_version=2**63 - 1)
    stream = api.stub.WatchTeam(watching, metadata=metadata)
    reading = asyncio.ensure_future(stream.read())
    await until(lambda: api.watch.readers == 1)
    formation.clock.move(timedelta(hours=2))
    await formation.finder.run_once()
    await api.watch.run_once()
    assert (await reading).team.state == types_pb2.TEAM_STATE_FAILED
    assert await stream.read() is grpc.aio.EOF
