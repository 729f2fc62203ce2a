"""Lists over gRPC, against a plain filter of every row: complete, in order, page by page, and only one's own."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc, types_pb2
from psycopg.rows import dict_row

from services.chassis.clock import ManualClock
from services.chassis.platforms import Key, KeyRing, Platform, hash_secret, save_platforms
from services.chassis.server import GrpcServer, Servicer
from services.team_formation import domain, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.doors import Doors
from services.team_formation.handlers import CampaignHandler
from services.team_formation.handover import HandoverTokens
from services.team_formation.quotes import QuoteReader
from services.team_formation.rpc import Desk, TeamFormationServicer
from services.team_formation.signed_links import MemberLinks, PromoterLinks
from services.team_formation.store import lists
from services.team_formation.watch import message_watch
from tests.support.formation import OTHER_PLATFORM, PLATFORM, PUBLIC_URL, START, Formation
from tests.support.shop_api import refused
from tests.support.team_rows import Rows, write_rows

KEYS = {PLATFORM: "gbk_ours_secret", OTHER_PLATFORM: "gbk_theirs_secret"}
Row = dict[str, Any]
Keep = Callable[[Row], bool]


@dataclass
class House:
    """The service, with many rows."""

    formation: Formation
    stub: Any
    rows: Rows

    def call(self, method: str, request: Any, platform_id: UUID = PLATFORM) -> Any:
        """Call as a platform."""
        metadata = (("authorization", f"Bearer {KEYS[platform_id]}"),)
        return getattr(self.stub, method)(request, metadata=metadata, timeout=20)

    async def pages(self, method: str, request: Any, field: str, size: int = 7) -> list[Any]:
        """Read all pages; each but the last is full."""
        found: list[Any] = []
        request.page_size = size
        while True:
            answer = await self.call(method, request)
            page = list(getattr(answer, field))
            found += page
            request.page_token = answer.next_page_token
            if not answer.next_page_token:
                return found
            assert len(page) == size

    async def all(self, table: str, order: str, keep: Keep, *, descending: bool = False) -> list[Row]:
        """Filter every row of a table plainly."""
        async with self.formation.database.read() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            found = await (await cursor.execute(f"TABLE {table}".encode())).fetchall()
        wanted = [row for row in found if keep(row)]
        return sorted(wanted, key=lambda row: tuple(row[name] for name in order.split()), reverse=descending)


@pytest.fixture
async def house(formation: Formation, clock: ManualClock) -> AsyncIterator[House]:
    """The service on a free port; two platforms know it."""
    database, catalogue = formation.database, Catalogue()
    async with database.work() as work:
        keys = {platform_id: text.split("_") for platform_id, text in KEYS.items()}
        known = [
            Platform(platform_id, "shop", suspended=False, sequence=1, keys=(Key(key, hash_secret(secret), None),))
            for platform_id, (_, key, secret) in keys.items()
        ]
        await save_platforms(work.connection, known, clock.now())
    async with database.read() as connection:
        rows = await write_rows(connection)
    watch = message_watch(database, clock, catalogue)
    compiler = cast("Any", None)  # lists compile no ladder and read no quote
    campaigns = CampaignHandler(database, clock, catalogue, compiler, "")
    quotes = QuoteReader(clock, compiler, "")
    handovers = HandoverTokens(None, PUBLIC_URL)
    desk = Desk(
        database,
        clock,
        catalogue,
        formation.codes,
        Doors(database),
        formation.commands,
        campaigns,
        watch,
        quotes,
        handovers,
        MemberLinks("a secret of tests", PUBLIC_URL),
        PromoterLinks("a secret of tests", PUBLIC_URL),
    )
    servicer = Servicer(
        "groupbuy.team_formation.v1.TeamFormation",
        TeamFormationServicer(desk),
        team_formation_service_pb2_grpc.add_TeamFormationServicer_to_server,
    )
    server = GrpcServer("127.0.0.1:0", [servicer], KeyRing(database, clock), service_key="", drain_seconds=1)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield House(formation, team_formation_service_pb2_grpc.TeamFormationStub(channel), rows)
    await server.stop()


TEAMS: list[tuple[dict[str, Any], Keep]] = [
    ({}, lambda _row: True),
    ({"states": [types_pb2.TEAM_STATE_TIPPED]}, lambda row: row["state"] == "TIPPED"),
    (
        {"states": [types_pb2.TEAM_STATE_FAILED, types_pb2.TEAM_STATE_FORMING]},
        lambda row: row["state"] in {"FAILED", "FORMING"},
    ),
    ({"external_ref": "order-3"}, lambda row: row["external_ref"] == "order-3"),
    ({"opener_member_id": "member-3"}, lambda row: row["opener_member_id"] == "member-3"),
    (
        {"opener_member_id": "member-6", "states": [types_pb2.TEAM_STATE_FORMING]},
        lambda row: row["opener_member_id"] == "member-6" and row["state"] == "FORMING",
    ),
]


@pytest.mark.parametrize(("wanted", "keep"), TEAMS)
async def test_teams_come_newest_first(house: House, wanted: dict[str, Any], keep: Keep) -> None:
    campaign = house.rows.campaign
    request = pb.ListTeamsRequest(campaign_id=translate.campaign_id(campaign.campaign_id), **wanted)
    found = await house.pages("ListTeams", request, "teams")
    expected = await house.all(
        "teams", "team_id", lambda row: row["campaign_id"] == campaign.campaign_id and keep(row), descending=True
    )
    assert [team.team_id for team in found] == [
        translate.team_id(campaign.campaign_id, row["team_id"]) for row in expected
    ]
    assert found[0] == (await house.call("GetTeam", pb.GetTeamRequest(team_id=found[0].team_id))).team


AFTER = START + timedelta(minutes=6)
SEATS: list[tuple[dict[str, Any], Keep]] = [
    ({}, lambda _row: True),
    ({"states": [types_pb2.SEAT_STATE_WAITING]}, lambda row: row["state"] == "WAITING"),
    ({"member_id": "member-31"}, lambda row: row["member_id"] == "member-31"),
    ({"external_ref": "order-3"}, lambda row: row["external_ref"] == "order-3"),
    ({"updated_after": AFTER}, lambda row: row["updated_at"] > AFTER),
    (
        {"member_id": "member-6", "states": [types_pb2.SEAT_STATE_HELD, types_pb2.SEAT_STATE_DEFAULTED]},
        lambda row: row["member_id"] == "member-6" and row["state"] in {"HELD", "DEFAULTED"},
    ),
]


@pytest.mark.parametrize(("wanted", "keep"), SEATS)
async def test_seats_of_a_campaign_come_in_the_order_of_their_last_change(
    house: House, wanted: dict[str, Any], keep: Keep
) -> None:
    campaign_id = house.rows.campaign.campaign_id
    request = pb.ListSeatsRequest(campaign_id=translate.campaign_id(campaign_id), **_written(wanted))
    found = await house.pages("ListSeats", request, "seats", 40)
    expected = await house.all(
        "seats", "updated_at seat_id", lambda row: row["campaign_id"] == campaign_id and keep(row)
    )
    assert expected
    assert [seat.seat_id for seat in found] == [translate.seat_id(campaign_id, row["seat_id"]) for row in expected]
    assert [(seat.member_id, seat.updated_at.ToDatetime()) for seat in found] == [
        (row["member_id"], row["updated_at"].replace(tzinfo=None)) for row in expected
    ]


@pytest.mark.parametrize(("wanted", "keep"), SEATS)
async def test_seats_of_a_team_come_in_the_order_they_were_taken(
    house: House, wanted: dict[str, Any], keep: Keep
) -> None:
    campaign_id = house.rows.campaign.campaign_id
    teams = await house.all("teams", "team_id", lambda row: row["campaign_id"] == campaign_id)
    found = []
    for team in teams[:5]:
        request = pb.ListSeatsRequest(team_id=translate.team_id(campaign_id, team["team_id"]), **_written(wanted))
        found += await house.pages("ListSeats", request, "seats", 5)
    first = {team["team_id"] for team in teams[:5]}
    expected = await house.all("seats", "team_id number", lambda row: row["team_id"] in first and keep(row))
    assert [seat.seat_id for seat in found] == [translate.seat_id(campaign_id, row["seat_id"]) for row in expected]


def _written(wanted: dict[str, Any]) -> dict[str, Any]:
    at: datetime | None = wanted.get("updated_after")
    return {**wanted, "updated_after": translate.time(at)}


INVITES: list[tuple[dict[str, Any], Keep]] = [
    ({}, lambda _row: True),
    ({"member_id": "member-4"}, lambda row: row["member_id"] == "member-4"),
    ({"promoter_id": "promoter-3"}, lambda row: row["promoter_id"] == "promoter-3"),
    ({"channel": "weibo"}, lambda row: row["channel"] == "weibo"),
    (
        {"channel": "wechat", "promoter_id": "promoter-3"},
        lambda row: row["channel"] == "wechat" and row["promoter_id"] == "promoter-3",
    ),
]


@pytest.mark.parametrize(("wanted", "keep"), INVITES)
async def test_invites_come_in_the_order_they_were_made(house: House, wanted: dict[str, Any], keep: Keep) -> None:
    campaign_id = house.rows.campaign.campaign_id
    request = pb.ListInvitesRequest(campaign_id=translate.campaign_id(campaign_id), **wanted)
    found = await house.pages("ListInvites", request, "invites", 30)
    expected = await house.all("invites", "invite_id", lambda row: row["campaign_id"] == campaign_id and keep(row))
    assert [item.invite_id for item in found] == [
        translate.invite_id(campaign_id, row["invite_id"]) for row in expected
    ]
    team_id = translate.team_id(campaign_id, expected[0]["team_id"])
    request = pb.ListInvitesRequest(campaign_id=translate.campaign_id(campaign_id), team_id=team_id, **wanted)
    of_team = await house.pages("ListInvites", request, "invites", 2)
    assert of_team == [item for item in found if item.team_id == team_id]
    got = await house.call("GetInvite", pb.GetInviteRequest(invite_id=found[0].invite_id))
    assert got.invite == found[0]
    assert got.invite.code == house.formation.codes.code(expected[0]["invite_id"])


CAMPAIGNS: list[tuple[dict[str, Any], Keep]] = [
    ({}, lambda _row: True),
    ({"merchant_id": "merchant-4"}, lambda row: row["merchant_id"] == "merchant-4"),
    ({"external_ref": "ref-12"}, lambda row: row["external_ref"] == "ref-12"),
]


@pytest.mark.parametrize(("wanted", "keep"), CAMPAIGNS)
async def test_campaigns_come_newest_first(house: House, wanted: dict[str, Any], keep: Keep) -> None:
    found = await house.pages("ListCampaigns", pb.ListCampaignsRequest(**wanted), "campaigns", 4)
    expected = await house.all(
        "campaigns", "campaign_id", lambda row: row["platform_id"] == PLATFORM and keep(row), descending=True
    )
    assert [item.campaign_id for item in found] == [translate.campaign_id(row["campaign_id"]) for row in expected]
    one = await house.call("GetCampaign", pb.GetCampaignRequest(campaign_id=found[0].campaign_id))
    assert one.campaign == found[0]


@pytest.mark.parametrize("hours", [-2, -1, 0, 1, 2])
async def test_campaigns_are_listed_by_the_state_they_show(house: House, hours: int) -> None:
    now = START + timedelta(hours=hours)
    async with house.formation.database.read() as connection:
        everything = await lists.list_campaigns(connection, PLATFORM, lists.CampaignFilter(), now, None, 1000)
        for state in domain.CampaignState:
            wanted = lists.CampaignFilter(states=(state,))
            found = await lists.list_campaigns(connection, PLATFORM, wanted, now, None, 1000)
            assert found == [campaign for campaign in everything if campaign.state(now) is state]


async def test_states_of_campaigns_are_those_of_the_platforms_clock(house: House, clock: ManualClock) -> None:
    request = pb.ListCampaignsRequest(states=[types_pb2.CAMPAIGN_STATE_RUNNING])
    running = await house.pages("ListCampaigns", request, "campaigns")
    assert {item.state for item in running} == {types_pb2.CAMPAIGN_STATE_RUNNING}
    clock.set_ahead(PLATFORM, timedelta(days=30))
    assert not (await house.call("ListCampaigns", pb.ListCampaignsRequest(states=request.states))).campaigns


async def test_changes_of_a_campaign_come_in_order(house: House) -> None:
    campaign_id = translate.campaign_id(house.rows.campaign.campaign_id)
    request = pb.ListCampaignChangesRequest(campaign_id=campaign_id)
    found = await house.pages("ListCampaignChanges", request, "changes")
    assert [change.version for change in found] == list(range(2, 27))
    assert (found[0].actor, found[0].request_id, list(found[0].fields)) == ("host", "r2", ["shown_sku"])
    assert found[0].at.ToDatetime() == START.replace(tzinfo=None)


async def test_a_list_stays_in_order_while_others_are_added_between(house: House) -> None:
    campaign = house.rows.campaign
    before = await house.all(
        "teams", "team_id", lambda row: row["campaign_id"] == campaign.campaign_id, descending=True
    )
    request = pb.ListTeamsRequest(campaign_id=translate.campaign_id(campaign.campaign_id), page_size=9)
    first = await house.call("ListTeams", request)
    async with house.formation.database.read() as connection:
        await connection.execute(
            "INSERT INTO teams SELECT (t).* FROM (SELECT jsonb_populate_record(t, jsonb_build_object("
            "'team_id', md5('new' || t.team_id)::uuid)) AS t FROM teams AS t WHERE t.campaign_id = %s) AS new",
            (campaign.campaign_id,),
        )
    request.page_token = first.next_page_token
    rest = await house.pages("ListTeams", request, "teams")
    listed = [team.team_id for team in [*first.teams, *rest]]
    old = [translate.team_id(campaign.campaign_id, row["team_id"]) for row in before]
    assert [team_id for team_id in listed if team_id in set(old)] == old
    assert len(set(listed)) == len(listed)


async def test_a_seat_that_changes_meanwhile_is_still_listed(house: House) -> None:
    campaign_id = house.rows.campaign.campaign_id
    expected = await house.all("seats", "updated_at seat_id", lambda row: row["campaign_id"] == campaign_id)
    request = pb.ListSeatsRequest(campaign_id=translate.campaign_id(campaign_id), page_size=20)
    first = await house.call("ListSeats", request)
    moved = expected[30]["seat_id"]
    async with house.formation.database.read() as connection:
        await connection.execute(
            "UPDATE seats SET updated_at = %s WHERE campaign_id = %s AND seat_id = %s",
            (START + timedelta(hours=3), campaign_id, moved),
        )
    request.page_token = first.next_page_token
    rest = await house.pages("ListSeats", request, "seats", 100)
    listed = [seat.seat_id for seat in [*first.seats, *rest]]
    assert sorted(listed) == sorted(translate.seat_id(campaign_id, row["seat_id"]) for row in expected)
    assert listed[-1] == translate.seat_id(campaign_id, moved)


async def test_find_team_answers_with_a_team_or_that_there_is_none(house: House, clock: ManualClock) -> None:
    named = translate.campaign_id(house.rows.campaign.campaign_id)
    request = pb.FindTeamRequest(campaign_id=named, member_id="tom", match_key="gate-5")  # which nobody needs
    found = (await house.call("FindTeam", request)).team
    assert found == (await house.call("GetTeam", pb.GetTeamRequest(team_id=found.team_id))).team
    assert (await house.call("FindTeam", request)).team == found
    anybody = {(await house.call("FindTeam", pb.FindTeamRequest(campaign_id=named))).team.team_id for _ in range(30)}
    assert len(anybody) > 1
    request.quantity = 4
    assert (await refused(house.call("FindTeam", request)))[1] == "NO_TEAM_FOUND"
    request.quantity = 1
    clock.set_ahead(PLATFORM, timedelta(days=30))
    assert (await refused(house.call("FindTeam", request)))[:2] == (grpc.StatusCode.NOT_FOUND, "NO_TEAM_FOUND")


async def test_a_token_belongs_to_its_list(house: House) -> None:
    ours, another = (translate.campaign_id(item.campaign_id) for item in (house.rows.campaign, house.rows.another))
    token = (await house.call("ListTeams", pb.ListTeamsRequest(campaign_id=ours, page_size=3))).next_page_token
    more = pb.ListTeamsRequest(campaign_id=ours, page_size=11, page_token=token)
    assert len((await house.call("ListTeams", more)).teams) == 11  # a page may have another size
    strangers = [
        ("ListTeams", pb.ListTeamsRequest(campaign_id=another, page_token=token)),
        ("ListTeams", pb.ListTeamsRequest(campaign_id=ours, page_token=token, external_ref="order-3")),
        ("ListInvites", pb.ListInvitesRequest(campaign_id=ours, page_token=token)),
        ("ListSeats", pb.ListSeatsRequest(campaign_id=ours, page_token=token)),
        ("ListCampaignChanges", pb.ListCampaignChangesRequest(campaign_id=ours, page_token=token)),
        ("ListCampaigns", pb.ListCampaignsRequest(page_token=token)),
        ("ListTeams", pb.ListTeamsRequest(campaign_id=ours, page_token=token[:-2])),
    ]
    for method, request in strangers:
        assert (await refused(house.call(method, request)))[1] == "PAGE_TOKEN_INVALID", request


def codes(*numbers: int) -> Any:
    """Name states by number, whatever they are."""
    return numbers


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("ListTeams", pb.ListTeamsRequest(page_size=1001), "page_size"),
        ("ListTeams", pb.ListTeamsRequest(page_size=-1), "page_size"),
        ("ListTeams", pb.ListTeamsRequest(states=codes(1, 99)), "states[1]"),
        ("ListTeams", pb.ListTeamsRequest(states=codes(0)), "states[0]"),
        ("ListTeams", pb.ListTeamsRequest(external_ref="a b"), "external_ref"),
        ("ListTeams", pb.ListTeamsRequest(opener_member_id="mei@example.com"), "opener_member_id"),
        ("ListCampaigns", pb.ListCampaignsRequest(merchant_id="x" * 65), "merchant_id"),
        ("ListCampaigns", pb.ListCampaignsRequest(external_ref="\n"), "external_ref"),
        ("ListCampaigns", pb.ListCampaignsRequest(states=codes(7)), "states[0]"),
        ("ListSeats", pb.ListSeatsRequest(), "team_id"),
        ("ListSeats", pb.ListSeatsRequest(member_id="+4915112345678"), "member_id"),
        ("ListSeats", pb.ListSeatsRequest(states=codes(-1)), "states[0]"),
        ("ListInvites", pb.ListInvitesRequest(channel="We Chat"), "channel"),
        ("ListInvites", pb.ListInvitesRequest(promoter_id="a@b.example"), "promoter_id"),
        ("FindTeam", pb.FindTeamRequest(quantity=-1), "quantity"),
        ("FindTeam", pb.FindTeamRequest(match_key="x" * 65), "match_key"),
        ("FindTeam", pb.FindTeamRequest(member_id="a b"), "member_id"),
    ],
)
async def test_a_bad_field_is_refused_by_its_name(house: House, method: str, request_: Any, field: str) -> None:
    if method not in {"ListCampaigns", "ListSeats"}:
        request_.campaign_id = translate.campaign_id(house.rows.campaign.campaign_id)
    code, reason, fields = await refused(house.call(method, request_))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert field in fields


async def test_a_time_out_of_range_and_a_team_of_another_campaign_are_refused(house: House) -> None:
    ours, another = house.rows.campaign.campaign_id, house.rows.another.campaign_id
    team = (await house.all("teams", "team_id", lambda row: row["campaign_id"] == another))[0]["team_id"]
    for request in (pb.ListSeatsRequest(), pb.ListInvitesRequest()):
        request.campaign_id = translate.campaign_id(ours)
        request.team_id = translate.team_id(another, team)
        method = type(request).__name__.removesuffix("Request")
        assert "team_id" in (await refused(house.call(method, request)))[2]
    late = pb.ListSeatsRequest(campaign_id=translate.campaign_id(ours))
    late.updated_after.seconds = 2**62
    assert "updated_after" in (await refused(house.call("ListSeats", late)))[2]


async def test_a_platform_lists_only_its_own(house: House) -> None:
    foreign = house.rows.foreign.campaign_id
    named = translate.campaign_id(foreign)
    team = (await house.all("teams", "team_id", lambda row: row["campaign_id"] == foreign))[0]["team_id"]
    invite = (await house.all("invites", "invite_id", lambda row: row["campaign_id"] == foreign))[0]["invite_id"]
    calls = [
        ("ListTeams", pb.ListTeamsRequest(campaign_id=named), "CAMPAIGN_UNKNOWN"),
        ("ListSeats", pb.ListSeatsRequest(campaign_id=named), "CAMPAIGN_UNKNOWN"),
        ("ListSeats", pb.ListSeatsRequest(team_id=translate.team_id(foreign, team)), "TEAM_UNKNOWN"),
        ("ListInvites", pb.ListInvitesRequest(campaign_id=named), "CAMPAIGN_UNKNOWN"),
        ("ListCampaignChanges", pb.ListCampaignChangesRequest(campaign_id=named), "CAMPAIGN_UNKNOWN"),
        ("FindTeam", pb.FindTeamRequest(campaign_id=named), "CAMPAIGN_UNKNOWN"),
        ("GetInvite", pb.GetInviteRequest(invite_id=translate.invite_id(foreign, invite)), "INVITE_UNKNOWN"),
    ]
    for method, request, reason in calls:
        assert (await refused(house.call(method, request)))[1] == reason
    theirs = (await house.call("ListTeams", pb.ListTeamsRequest(campaign_id=named), OTHER_PLATFORM)).teams
    assert len(theirs) == 40
    unknown = translate.team_id(house.rows.campaign.campaign_id, UUID(int=1))
    assert (await refused(house.call("ListSeats", pb.ListSeatsRequest(team_id=unknown))))[1] == "TEAM_UNKNOWN"
