"""JoinTeams over a real channel: an answer for each join, in order, whatever becomes of its neighbours."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import grpc
import pytest
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from grpc_status import rpc_status

from services.chassis import ids
from services.chassis.errors import Rejected
from services.chassis.status import rejected_of, status_of
from services.team_formation import domain, translate
from services.team_formation.rpc import bulk
from services.team_formation.rpc.sizes import LARGEST
from tests.support.database import Database
from tests.support.engine import KEY, Engine, an_engine, served
from tests.support.formation import a_campaign

SERVICE = "groupbuy.team_formation.v1.TeamFormation"
MANY = 500


@dataclass
class Shop:
    """A platform's client; its channel takes what every client of gRPC takes, 4 MiB."""

    engine: Engine
    channel: grpc.aio.Channel

    async def call(self, method: str, request: Any) -> bytes:
        """Make a call; the answer as it comes."""
        unary: Any = self.channel.unary_unary(f"/{SERVICE}/{method}")
        metadata = (("authorization", f"Bearer {KEY}"),)
        answer: bytes = await unary(request.SerializeToString(), metadata=metadata, timeout=30)
        return answer

    async def join_all(self, *joins: pb.JoinTeamRequest) -> list[pb.JoinResult]:
        """Join in one call."""
        return list(pb.JoinTeamsResponse.FromString(await self.call("JoinTeams", in_one(joins))).results)

    async def join(self, join: pb.JoinTeamRequest) -> pb.JoinTeamResponse:
        """Join in a call of its own."""
        return pb.JoinTeamResponse.FromString(await self.call("JoinTeam", join))

    async def refusal(self, method: str, request: Any) -> Rejected:
        """Make a call that is refused as a whole."""
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await self.call(method, request)
        status = rpc_status.from_call(cast("grpc.Call", failed.value))
        assert status is not None
        return rejected_of(status)

    async def team(self, campaign: domain.Campaign | None = None, **changes: Any) -> str:
        """Open a team, in a campaign of its own or another's."""
        formation = self.engine.formation
        campaign = campaign or await formation.create(a_campaign(**changes))
        return (await formation.open(campaign, sku=campaign.terms.items[0].sku)).team.team_id

    async def invite(self, team_id: str) -> pb.Invite:
        """Make an invite of the opener."""
        making = pb.CreateInviteRequest(request_id=ids.new_id().hex, team_id=team_id, member_id="mei", channel="line")
        return pb.CreateInviteResponse.FromString(await self.call("CreateInvite", making)).invite


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Shop]:
    """A platform's client of a running engine."""
    async with an_engine(database) as engine, served(engine) as channels:
        yield Shop(engine, channels[SERVICE])


def in_one(joins: Sequence[pb.JoinTeamRequest]) -> pb.JoinTeamsRequest:
    return pb.JoinTeamsRequest(joins=joins)


def a_join(request_id: str, team_id: str = "", **more: Any) -> pb.JoinTeamRequest:
    """Make a join by a member who is named as its request is."""
    way: dict[str, Any] = {"team_id": team_id} if team_id else {}
    return pb.JoinTeamRequest(**{"request_id": request_id, "member_id": f"member-{request_id}", **way, **more})


def said(result: pb.JoinResult) -> str:
    """Say what became of a join in a word."""
    if result.WhichOneof("result") == "refused":
        return result.refused.reason
    return pb.JoinOutcome.Name(result.joined.outcome).removeprefix("JOIN_OUTCOME_")


def wide() -> domain.Campaign:
    """Make a campaign of a hundred items with long names: its teams have some 20 KB of prices."""
    campaign = a_campaign(maximum=1_000_000)
    skus = [f"{number:03}".ljust(64, "x") for number in range(100)]
    steps = campaign.terms.price_table.rows[0].steps
    rows = tuple(domain.PriceRow(sku, role, steps) for sku in skus for role in domain.Role)
    table = replace(campaign.terms.price_table, rows=rows)
    items = tuple(domain.Item(sku, 3990, None) for sku in skus)
    return replace(campaign, terms=replace(campaign.terms, items=items, price_table=table))


async def test_each_join_has_its_own_answer_in_order(shop: Shop) -> None:
    full, roomy = await shop.team(maximum=2), await shop.team(maximum=50)
    invite = await shop.invite(roomy)
    used = a_join("used", roomy)
    first = await shop.join(used)
    joins = {
        "INVITE_UNKNOWN": a_join("a", invite_code="AAAAAAAAAAAA"),
        "SEAT": a_join("b", invite_code=invite.code),
        "INVALID_ARGUMENT": a_join("c", roomy, member_id="mei@example.com", quantity=-1),
        "SEAT ": a_join("d", full),
        "REQUEST_ID_REUSED": a_join("used", roomy, member_id="somebody-else"),
        "TEAM_FULL": a_join("e", full),
        "INVALID_ARGUMENT ": a_join("f"),
        "TEAM_UNKNOWN": a_join("g", "team_nonsense"),
        "ALREADY_IN_TEAM": a_join("h", roomy, member_id="mei"),
        "SEAT  ": used,
        "INVALID_ARGUMENT  ": a_join("no id", roomy, member_id="tom"),
    }
    results = await shop.join_all(*joins.values())
    assert [said(result) for result in results] == [name.strip() for name in joins]
    by_name = dict(zip(joins, results, strict=True))
    assert by_name["SEAT"].joined.seat.invite_id == invite.invite_id
    assert by_name["SEAT"].joined.team.team_id == roomy
    assert by_name["SEAT "].joined.team.team_id == full
    assert by_name["SEAT  "].joined == first
    wrong = by_name["INVALID_ARGUMENT"].refused
    assert sorted(wrong.fields) == ["member_id", "quantity"]
    assert sorted(by_name["INVALID_ARGUMENT "].refused.fields) == ["way_in"]
    assert sorted(by_name["INVALID_ARGUMENT  "].refused.fields) == ["request_id"]


async def test_a_refusal_among_others_is_what_a_call_of_its_own_gets(shop: Shop) -> None:
    full = await shop.team(minimum=1, maximum=1)
    for join in (
        a_join("a", full),
        a_join("b", invite_code="?"),
        a_join("c", full, sku="plum"),
        a_join("d", full[:-1]),
    ):
        [result] = await shop.join_all(join)
        alone = await shop.refusal("JoinTeam", join)
        assert result.refused == bulk.refused(status_of(alone))
        assert result.refused.message
        assert result.refused.code in {code.value[0] for code in grpc.StatusCode}


async def test_the_same_join_by_either_call_is_decided_once(shop: Shop) -> None:
    team_id = await shop.team(maximum=50)
    one, two = a_join("one", team_id), a_join("two", team_id)
    alone = await shop.join(one)
    results = await shop.join_all(one, two)
    assert results[0].joined == alone
    assert await shop.join(two) == results[1].joined
    assert results[1].joined.team.totals.held_members == 3


async def test_an_id_twice_in_one_call_is_one_join_and_with_another_body_none(shop: Shop) -> None:
    team_id = await shop.team(maximum=50)
    join = a_join("twice", team_id)
    other = a_join("twice", team_id, member_id="somebody-else")
    first, again, reused = await shop.join_all(join, join, other)
    assert first.joined == again.joined
    assert [said(item) for item in (first, reused)] == ["SEAT", "REQUEST_ID_REUSED"]
    assert (await shop.join(a_join("next", team_id))).team.totals.held_members == 3


async def test_many_joins_take_the_places_there_are_and_the_same_call_again_gives_the_same_bytes(shop: Shop) -> None:
    teams = [await shop.team(maximum=100) for _ in range(3)]
    invite = await shop.invite(teams[0])
    joins = [a_join(f"r{number}", teams[number % 3]) for number in range(MANY - 1)]
    joins.append(a_join("last", invite_code=invite.code))
    request = in_one(joins)
    raw = await shop.call("JoinTeams", request)
    results = pb.JoinTeamsResponse.FromString(raw).results
    assert [said(result) for result in results[: 3 * 99]] == ["SEAT"] * 3 * 99
    assert {said(result) for result in results[3 * 99 :]} == {"TEAM_FULL"}
    seats = [result.joined.seat for result in results[: 3 * 99]]
    assert [seat.member_id for seat in seats] == [join.member_id for join in joins[: 3 * 99]]
    assert [seat.team_id for seat in seats] == [join.team_id for join in joins[: 3 * 99]]
    assert len({seat.seat_id for seat in seats}) == 3 * 99
    assert await shop.call("JoinTeams", request) == raw
    both = await asyncio.gather(*(shop.call("JoinTeams", request) for _ in range(2)))
    assert both == [raw, raw]


@pytest.mark.parametrize("length", [0, 1, 120, 127, 128, 129, 16_000, 16_383, 16_384, 3_000_000])
def test_what_is_written_by_hand_is_what_protobuf_writes(length: int) -> None:
    joined = pb.JoinTeamResponse(seat=types_pb2.Seat(member_id="x" * length)).SerializeToString()
    refused = Rejected("INVITE_UNKNOWN")
    whole = pb.JoinTeamsResponse(
        results=[
            pb.JoinResult(joined=pb.JoinTeamResponse.FromString(joined)),
            pb.JoinResult(refused=bulk.refused(status_of(refused))),
            pb.JoinResult(joined=pb.JoinTeamResponse()),
        ]
    )
    assert bulk.written([joined, refused, b""]) == whole.SerializeToString(deterministic=True)


async def test_no_join_and_too_many_are_refused_as_a_whole(shop: Shop) -> None:
    team_id = await shop.team(maximum=50)
    none = await shop.refusal("JoinTeams", in_one([]))
    assert (none.reason, [item.field for item in none.fields]) == ("INVALID_ARGUMENT", ["joins"])
    many = await shop.refusal("JoinTeams", in_one([a_join(f"r{number}", team_id) for number in range(MANY + 1)]))
    assert many.reason == "TOO_MANY_JOINS"
    assert many.metadata == {"maximum": "500", "given": "501"}
    assert (await shop.join(a_join("r0", team_id))).team.totals.held_members == 2


async def test_the_answer_to_many_joins_of_a_wide_campaign_can_be_read(shop: Shop) -> None:
    campaign = await shop.engine.formation.create(wide())
    team_id, sku = await shop.team(campaign), campaign.terms.items[7].sku
    few = [a_join(f"r{number}", team_id, sku=sku) for number in range(3)]
    whole = await shop.join_all(*few)
    assert {len(result.joined.team.prices) for result in whole} == {200}
    request = in_one([*few, *(a_join(f"r{number}", team_id, sku=sku) for number in range(3, MANY))])
    raw = await shop.call("JoinTeams", request)
    results = pb.JoinTeamsResponse.FromString(raw).results
    assert Counter(map(said, results)) == {"SEAT": MANY}
    assert {len(result.joined.team.prices) for result in results} == {0}
    for result, before in zip(results[:3], whole, strict=True):
        before.joined.team.ClearField("prices")
        assert result == before
    assert await shop.call("JoinTeams", request) == raw
    alone = await shop.join(request.joins[-1])  # what is stored is what JoinTeam gives
    assert len(alone.team.prices) == 200
    assert alone.seat == results[-1].joined.seat


async def test_the_answer_to_many_refused_joins_can_be_read(shop: Shop) -> None:
    campaign = await shop.engine.formation.create(wide())
    team_id = await shop.team(campaign)
    unfit = "\N{MANGO}" * 1_000
    wrong = a_join(
        "r",
        team_id,
        member_id=unfit,
        external_ref=unfit,
        sku=unfit,
        quantity=-1,
        max_unit_price=Money(minor_units=-1, currency=unfit),
        asserted=types_pb2.Assertions(tags=["x"] * 101, match_key=unfit),
    )
    wrong.ClearField("request_id")
    for join in (wrong, a_join("s", team_id, sku="y" * 64)):
        joins = [pb.JoinTeamRequest.FromString(join.SerializeToString()) for _ in range(150)]
        results = await shop.join_all(*joins)
        assert len({result.SerializeToString(deterministic=True) for result in results}) == 1
        assert MANY * results[0].ByteSize() < LARGEST


def test_answers_that_are_just_small_enough_stay_as_they_are() -> None:
    price = types_pb2.PriceNow(sku="mango", unit_price=translate.money(3990, "EUR"))
    answer = pb.JoinTeamResponse(team=types_pb2.Team(team_id="t", prices=[price] * 100)).SerializeToString()
    fits = (LARGEST - 100) // (len(bulk.written([answer])))
    kept = pb.JoinTeamsResponse.FromString(bulk.written([answer] * fits))
    assert all(len(result.joined.team.prices) == 100 for result in kept.results)
    more = bulk.written([answer] * (fits + 1))
    assert len(more) < LARGEST
    assert not any(result.joined.team.prices for result in pb.JoinTeamsResponse.FromString(more).results)
