"""The same request at once on two replicas, twice in one batch, and with another body: one change, one answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.domain import Campaign
from services.team_formation.handlers import Ask, Command, Revoke
from tests.support.crowding import outcome, violations
from tests.support.formation import PLATFORM, Formation, a_campaign
from tests.support.shop_api import a_request, serving

RULES = {"max_sponsored": 9, "hold_extension": a_campaign().terms.rules.hold_lifetime, "max_units_per_member": 9}


@dataclass(frozen=True)
class Scene:
    """What the calls are about."""

    campaign: Campaign
    opened: Any
    invite_id: UUID

    @property
    def team_id(self) -> str:
        """The open team."""
        return str(self.opened.team.team_id)


Call = Callable[[Formation, Scene, str], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "OpenTeam": lambda on, scene, name: on.open(scene.campaign, "tom", request_id=name),
    "JoinTeam": lambda on, scene, name: on.join(scene.team_id, "tom", request_id=name),
    "JoinTeam by an invite": lambda on, scene, name: on.join(
        scene.team_id, "tom", request_id=name, invite_id=scene.invite_id
    ),
    "ConfirmSeat": lambda on, scene, name: on.confirm(scene.opened.seat, request_id=name),
    "LeaveTeam": lambda on, scene, name: on.leave(scene.opened.seat, 1, request_id=name),
    "ExtendHold": lambda on, scene, name: on.extend(scene.opened.seat, request_id=name),
    "SponsorTeam": lambda on, scene, name: on.sponsor(scene.team_id, 1, request_id=name),
    "CancelTeam": lambda on, scene, name: on.cancel(scene.team_id, request_id=name),
    "CreateInvite": lambda on, scene, name: on.create_invite(scene.team_id, request_id=name),
    "RevokeInvite": lambda on, scene, name: on.revoke(scene.team_id, scene.invite_id, request_id=name),
}


async def a_team(on: Formation) -> Scene:
    campaign = await on.create(a_campaign(rules=RULES, stock=50))
    opened = await on.open(campaign, quantity=3)
    return Scene(campaign, opened, await on.invite(opened.team.team_id, max_uses=5))


async def state(on: Formation) -> list[tuple[Any, ...]]:
    """Read what a second change would alter."""
    return await on.rows(
        "SELECT (SELECT sum(version) FROM teams), (SELECT count(*) FROM seats), (SELECT sum(offered) FROM stock),"
        " (SELECT sum(sequence) FROM campaigns), (SELECT count(*) FROM campaign_changes),"
        " (SELECT array_agg((uses, revoked_at) ORDER BY invite_id)::text FROM invites), (SELECT count(*) FROM outbox)"
    )


@pytest.mark.parametrize("rpc", CALLS)
async def test_the_same_request_on_both_replicas_at_once(
    replicas: list[Formation], rpc: str, counts: Callable[..., None]
) -> None:
    scene = await a_team(replicas[0])
    answers = await asyncio.gather(*(CALLS[rpc](replicas[n % 2], scene, "same") for n in range(12)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    after = await state(replicas[0])
    assert await CALLS[rpc](replicas[1], scene, "same") == answers[0]
    assert await state(replicas[0]) == after
    assert await replicas[0].rows("SELECT count(*) FROM requests WHERE request_id = 'same'") == [(1,)]
    assert await violations(replicas[0]) == {}
    counts(callers=12, answers=1)


@pytest.fixture
async def shop(
    replicas: list[Formation], clock: ManualClock
) -> AsyncIterator[Callable[[int, str, Any], Awaitable[Any]]]:
    """Calls a method of the API as one platform, at either replica."""
    async with serving(replicas[0], clock) as one, serving(replicas[1], clock) as two:
        yield lambda n, method, request: (one, two)[n % 2].call(method, request, one.key)


def an_update(campaign: types_pb2.Campaign, version: int) -> pb.UpdateCampaignRequest:
    """Ask for another seller, another ladder and more stock; a version of 0 names none."""
    like = a_request()
    request = pb.UpdateCampaignRequest(request_id="same", campaign_id=campaign.campaign_id, version=version)
    request.fields.items.extend(like.items)
    request.fields.ladder.CopyFrom(like.ladder)
    request.fields.presentation.CopyFrom(like.presentation)
    request.fields.presentation.seller = "Fruit Shop and Sons"
    request.fields.ladder.tiers[0].discounts[0].fixed_price = 3390
    request.fields.items[0].stock = 70
    request.update_mask.paths.extend(["presentation", "ladder", "items"])
    return request


async def test_the_same_campaign_is_created_once(
    replicas: list[Formation], shop: Any, counts: Callable[..., None]
) -> None:
    answers = await asyncio.gather(*(shop(n, "CreateCampaign", a_request()) for n in range(12)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert await replicas[0].rows("SELECT count(*) FROM campaigns") == [(1,)]
    created = "SELECT count(*) FROM outbox WHERE aggregatetype = 'groupbuy.campaign.v1'"
    assert await replicas[0].rows(created) == [(1,)]
    assert await violations(replicas[0]) == {}
    counts(callers=12, answers=1)


@pytest.mark.parametrize("version", [0, 1])
async def test_the_same_update_of_a_campaign_is_made_once(
    replicas: list[Formation], shop: Any, version: int, counts: Callable[..., None]
) -> None:
    """With other changes between, so that what the update was made for is another campaign by then."""
    request = a_request()
    request.items[0].stock = 50
    campaign = (await shop(0, "CreateCampaign", request)).campaign
    calls = [shop(n, "UpdateCampaign", an_update(campaign, version)) for n in range(12)]
    if not version:
        for n in range(4):
            shown = pb.DirectCampaignRequest(request_id=f"show-{n}", campaign_id=campaign.campaign_id)
            shown.show_item.sku = "mango"
            calls.insert(3 * n, shop(n, "DirectCampaign", shown))
    answers = [answer for answer in await asyncio.gather(*calls) if isinstance(answer, pb.UpdateCampaignResponse)]
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert answers[0].campaign.presentation.seller == "Fruit Shop and Sons"
    updates = "SELECT count(*) FROM campaign_changes WHERE action = 'UPDATE'"
    assert await replicas[0].rows(updates) == [(1,)]
    assert await replicas[0].rows("SELECT count(*), max(terms_version) FROM campaign_terms") == [(2, 2)]
    after = await state(replicas[0])
    assert await shop(1, "UpdateCampaign", an_update(campaign, version)) == answers[0]
    assert await state(replicas[0]) == after
    assert await violations(replicas[0]) == {}
    counts(callers=12, other_changes=len(calls) - 12, answers=1)


async def test_the_same_word_of_a_host_changes_a_campaign_once(
    replicas: list[Formation], shop: Any, counts: Callable[..., None]
) -> None:
    request = a_request()
    request.items[0].stock = 50
    campaign = (await shop(0, "CreateCampaign", request)).campaign
    release = pb.DirectCampaignRequest(request_id="same", campaign_id=campaign.campaign_id)
    release.release_units.sku, release.release_units.units = "mango", 3
    answers = await asyncio.gather(*(shop(n, "DirectCampaign", release) for n in range(12)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert await replicas[0].rows("SELECT offered FROM stock") == [(53,)]
    assert await violations(replicas[0]) == {}
    counts(callers=12, answers=1)


async def test_a_confirmed_seat_defaults_once(replicas: list[Formation]) -> None:
    opened = (await a_team(replicas[0])).opened
    await replicas[0].confirm(opened.seat)
    answers = await asyncio.gather(*(replicas[n % 2].default(opened.seat, request_id="same") for n in range(12)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert [fact for _, fact in await replicas[0].facts(opened.team.team_id)].count("seat_defaulted") == 1
    assert await violations(replicas[0]) == {}


def asks_of(on: Formation, scene: Scene) -> dict[str, Ask]:
    """Make a request of each kind with the same id and new ids for what it may make, as a process does that gets it."""
    team_id, seat_id = ids.parse("team", scene.team_id, 2), ids.parse("seat", scene.opened.seat.seat_id, 2)
    assert team_id
    assert seat_id
    campaign_id = scene.campaign.campaign_id
    team, seat = {"team_id": team_id[1]}, {"seat_id": seat_id[1]}
    kinds: dict[str, tuple[Command, dict[str, UUID]]] = {
        "OpenTeam": (domain.Open(ids.new_id(), domain.Join(ids.new_id(), "lin", "mango", 1)), {}),
        "JoinTeam": (domain.Join(ids.new_id(), "tom", "mango", 1), team),
        "ConfirmSeat": (domain.Confirm(3 * 3990, "EUR", "pay-1"), seat),
        "SponsorTeam": (domain.Sponsor((ids.new_id(),), "mango"), team),
        "LeaveTeam": (domain.Leave(9), seat),
        "CreateInvite": (domain.NewInvite(ids.new_id(), "", "kol", "wechat", "", "", None), team),
        "RevokeInvite": (Revoke(scene.invite_id), {}),
    }
    return {
        rpc: Ask(PLATFORM, campaign_id, command, on.key(rpc, campaign_id, "same"), **about)
        for rpc, (command, about) in kinds.items()
    }


async def test_the_same_request_twice_in_one_batch(formation: Formation, counts: Callable[..., None]) -> None:
    asks = [ask for ask in asks_of(formation, await a_team(formation)).values() for _ in range(2)]
    answers = await formation.handler.decide(asks)
    assert answers[::2] == answers[1::2]
    assert [isinstance(answer, Rejected) for answer in answers[::2]] == [False] * 4 + [True] + [False] * 2
    assert await formation.rows("SELECT count(*) FROM requests WHERE request_id = 'same'") == [(7,)]
    assert await formation.rows("SELECT count(*) FROM teams") == [(2,)]
    assert await formation.rows("SELECT count(*) FROM invites") == [(2,)]
    assert await formation.rows(
        "SELECT confirmed_members, held_members FROM teams ORDER BY opened_at, version DESC"
    ) == [
        (2, 1),
        (0, 1),
    ]
    assert await violations(formation) == {}
    counts(requests=7, times_each=2, decided=7)


async def test_the_same_request_twice_in_each_of_many_batches_on_both_replicas(
    replicas: list[Formation], counts: Callable[..., None]
) -> None:
    scene = await a_team(replicas[0])
    decided = 0
    for rpc in asks_of(replicas[0], scene):
        batches = []
        for n in range(6):
            ask = asks_of(replicas[n % 2], scene)[rpc]
            batches.append(replicas[n % 2].commands.submit_all([ask, ask]))
        answers = [answer for batch in await asyncio.gather(*batches) for answer in batch]
        told = {answer if isinstance(answer, bytes) else answer.reason for answer in answers}
        assert len(told) == 1, rpc
        decided += len(told)
    assert await replicas[0].rows("SELECT count(*) FROM requests WHERE request_id = 'same'") == [(decided,)]
    [(seats, teams, invites)] = await replicas[0].rows(
        "SELECT (SELECT count(*) FROM seats), (SELECT count(*) FROM teams), (SELECT count(*) FROM invites)"
    )
    assert (seats, teams, invites) == (4, 2, 2), "mei's, lin's, tom's and a sponsored one; an invite more"
    assert await violations(replicas[0]) == {}
    counts(requests=7, batches_each=6, times_in_each=2, decided=decided)


async def test_the_same_id_with_another_body_at_once(replicas: list[Formation], counts: Callable[..., None]) -> None:
    team = (await a_team(replicas[0])).team_id
    bodies = [b"one", b"other"] * 6
    answers = await asyncio.gather(
        *(
            outcome(replicas[n // 2 % 2].join(team, "tom", request_id="same", body=body))
            for n, body in enumerate(bodies)
        )
    )
    by_body: dict[bytes, set[str]] = {body: set() for body in bodies}
    for answer, body in zip(answers, bodies, strict=True):
        by_body[body].add(answer if isinstance(answer, str) else answer.seat.seat_id)
    assert sorted(map(len, by_body.values())) == [1, 1]
    assert {"REQUEST_ID_REUSED"} in by_body.values()
    assert await replicas[0].rows("SELECT count(*) FROM seats WHERE member_id = 'tom'") == [(1,)]
    assert await violations(replicas[0]) == {}
    counts(callers=12, bodies=2, seats=1)


async def test_what_a_rule_refused_is_refused_again_though_it_would_be_allowed_now(replicas: list[Formation]) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=2))
    opened = await replicas[0].open(campaign)
    tom = await replicas[0].join(opened.team.team_id, "tom")
    assert await outcome(replicas[0].join(opened.team.team_id, "lin", request_id="same")) == "TEAM_FULL"
    await replicas[0].leave(tom.seat)
    assert await outcome(replicas[1].join(opened.team.team_id, "lin", request_id="same")) == "TEAM_FULL"
    assert not isinstance(await outcome(replicas[1].join(opened.team.team_id, "lin")), str)
