"""Rules against abuse: what they count over calls, batches and replicas, what a seat then shows, and to whom."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.team_formation.v1 import abuse_pb2, history_pb2, keys_pb2, types_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.team_formation import domain, translate
from services.team_formation.domain import AbuseAction, AbuseRule, Marks, Signal
from services.team_formation.metrics import SIGNS
from tests.support.crowding import all_at_once, outcome, told, violations
from tests.support.formation import Formation, a_campaign
from tests.support.shop_api import Api, a_request, refused

READ = scope_pb2.SCOPE_READ
MINUTE = timedelta(minutes=1)
PHONE = Marks(device=b"phone")
OFFICE = Marks(address=b"office")
DEVICE, OWN, RATE = (
    abuse_pb2.ABUSE_SIGNAL_SEATS_PER_DEVICE,
    abuse_pb2.ABUSE_SIGNAL_OWN_INVITE,
    abuse_pb2.ABUSE_SIGNAL_JOINS_PER_INVITE,
)


def devices(action: AbuseAction, limit: int = 2, within: timedelta = domain.TAGS_KEPT) -> AbuseRule:
    return AbuseRule(Signal.SEATS_PER_DEVICE, action, limit, within)


def own(action: AbuseAction) -> AbuseRule:
    return AbuseRule(Signal.OWN_INVITE, action)


def rate(action: AbuseAction, limit: int = 2, within: timedelta = MINUTE) -> AbuseRule:
    return AbuseRule(Signal.JOINS_PER_INVITE, action, limit, within)


async def a_team(formation: Formation, *rules: AbuseRule, **changes: Any) -> str:
    """Open a team of a campaign with rules; its leader has no tag."""
    campaign = await formation.create(a_campaign(maximum=changes.pop("maximum", 50), abuse_rules=rules, **changes))
    return (await formation.open(campaign)).team.team_id


async def suspected(call: Any) -> dict[str, str]:
    """Give what a refusal says of the sign."""
    with pytest.raises(Rejected) as error:
        await call
    assert error.value.reason == "JOIN_SUSPECTED"
    return dict(error.value.metadata)


async def test_seats_by_one_device_are_counted_for_other_members(formation: Formation) -> None:
    team = await a_team(formation, devices(AbuseAction.REFUSE))
    first = await formation.join(team, "a", marks=PHONE)
    await formation.join(team, "b", marks=PHONE)
    many = {"signal": "SEATS_PER_DEVICE", "limit": "2", "seen": "3"}
    assert await suspected(formation.join(team, "c", marks=PHONE, request_id="c-1")) == many
    await formation.join(team, "d", marks=Marks(device=b"another"))
    await formation.join(team, "e")
    await formation.leave(first.seat)
    assert await suspected(formation.join(team, "c", marks=PHONE, request_id="c-1")) == many  # the same answer again
    await formation.join(team, "c", marks=PHONE)
    await suspected(formation.join(team, "a", marks=PHONE))


async def test_a_members_own_seats_do_not_count_against_it(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(abuse_rules=(devices(AbuseAction.REFUSE, 1),)))
    teams = [(await formation.open(campaign, f"leader-{n}")).team.team_id for n in range(3)]
    for team in teams:
        await formation.join(team, "tom", marks=PHONE)
    assert await suspected(formation.join(teams[0], "lin", marks=PHONE))
    assert await suspected(formation.open(campaign, "lin", marks=PHONE))


async def test_a_hold_that_ran_out_counts_no_more_whether_a_timer_was_there_or_not(
    formation: Formation, clock: ManualClock
) -> None:
    campaign = await formation.create(a_campaign(abuse_rules=(devices(AbuseAction.REFUSE, 1),)))
    one, other = [(await formation.open(campaign, f"leader-{n}")).team.team_id for n in range(2)]
    await formation.join(one, "tom", marks=PHONE)
    assert await suspected(formation.join(other, "lin", marks=PHONE))
    clock.move(timedelta(minutes=10))
    await formation.join(other, "lin", marks=PHONE)


async def test_who_joins_and_leaves_over_and_over_leaves_nothing_to_count(
    formation: Formation, clock: ManualClock
) -> None:
    team = await a_team(formation, devices(AbuseAction.REFUSE, 1))
    live = "SELECT count(*)::int FROM seat_tags WHERE NOT ended"
    for number in range(5):
        seat = (await formation.join(team, f"m{number}", marks=PHONE)).seat
        assert await formation.rows(live) == [(1,)]
        await formation.leave(seat)
    assert await formation.rows(live) == [(0,)]
    await formation.join(team, "late", marks=PHONE)
    clock.move(timedelta(hours=1))
    await formation.finder.run_once()
    assert await formation.rows(live) == [(0,)]
    assert await formation.rows("SELECT max(number) FROM seat_tags") == [(6,)], "they are numbered on"


async def test_what_is_beyond_its_time_counts_no_more(formation: Formation, clock: ManualClock) -> None:
    team = await a_team(formation, devices(AbuseAction.REFUSE, 1, timedelta(minutes=5)))
    confirmed = await formation.join(team, "tom", marks=PHONE)
    await formation.confirm(confirmed.seat)
    clock.move(timedelta(minutes=5) - timedelta(microseconds=1))
    assert await suspected(formation.join(team, "lin", marks=PHONE))
    clock.move(timedelta(microseconds=1))
    await formation.join(team, "lin", marks=PHONE)


async def test_a_flag_stands_in_answer_seat_and_events(formation: Formation) -> None:
    addresses = AbuseRule(Signal.SEATS_PER_ADDRESS, AbuseAction.ALLOW, 1, MINUTE)
    team = await a_team(formation, devices(AbuseAction.FLAG, 1), addresses)
    counted = SIGNS.labels("SEATS_PER_ADDRESS", "ALLOW")
    before = counted._value.get()
    marks = Marks(b"phone", b"office")
    assert list((await formation.join(team, "a", marks=marks)).seat.flags) == []
    joined = await formation.join(team, "b", marks=marks)
    assert list(joined.seat.flags) == [DEVICE]
    assert counted._value.get() == before + 1
    confirmed = await formation.confirm(joined.seat)
    assert list(confirmed.seat.flags) == [DEVICE]
    events = [(event.WhichOneof("fact") or "", event) for event in await formation.events(team)]
    seats = [(fact, getattr(event, fact).seat) for fact, event in events if fact.startswith("seat_")]
    assert [fact for fact, seat in seats if seat.flags == [DEVICE]] == ["seat_held", "seat_confirmed"]
    assert await formation.rows("SELECT flags FROM seats WHERE member_id = 'b'") == [("SEATS_PER_DEVICE",)]


async def test_tags_are_kept_only_where_a_rule_needs_them(formation: Formation) -> None:
    marks = Marks(b"phone", b"office")
    for rules, kept in [
        ((), []),
        ((rate(AbuseAction.FLAG),), []),
        ((own(AbuseAction.FLAG),), [("DEVICE",)]),
        ((AbuseRule(Signal.SEATS_PER_ADDRESS, AbuseAction.ALLOW, 9, MINUTE),), [("ADDRESS",)]),
    ]:
        team = await a_team(formation, *rules)
        await formation.join(team, "tom", marks=marks)
        assert await formation.rows("SELECT kind FROM seat_tags") == kept
        await formation.rows("WITH gone AS (DELETE FROM seat_tags RETURNING 1) SELECT count(*) FROM gone")


async def _own_invite(formation: Formation, team: str, member: str) -> Any:
    command = domain.NewInvite(ids.new_id(), member, "", "wechat", "", "", None)
    answer = pb.CreateInviteResponse.FromString(await formation.on_team("CreateInvite", command, team))
    return ids.parse("inv", answer.invite.invite_id, 2)[1]  # type: ignore[index]  # it is one


async def test_an_own_invite_is_known_by_the_member_or_by_its_makers_device(formation: Formation) -> None:
    team = await a_team(formation, own(AbuseAction.REFUSE))
    mei = await formation.join(team, "maker", marks=PHONE)
    invite = await _own_invite(formation, team, "maker")
    await formation.join(team, "friend", invite_id=invite, marks=Marks(b"other phone", b"office"))
    await formation.join(team, "without a tag", invite_id=invite)
    told_ = await suspected(formation.join(team, "second account", invite_id=invite, marks=PHONE))
    assert told_ == {"signal": "OWN_INVITE", "limit": "0", "seen": "1"}
    await formation.join(team, "second account", marks=PHONE)  # by the team itself it is nobody's invite
    await formation.leave(mei.seat)
    assert await suspected(formation.join(team, "maker", invite_id=invite))
    assert await suspected(formation.join(team, "third account", invite_id=invite, marks=PHONE))
    promoters = await formation.invite(team)
    await formation.join(team, "third account", invite_id=promoters, marks=PHONE)


async def test_joins_by_an_invite_are_counted_over_time(formation: Formation, clock: ManualClock) -> None:
    team = await a_team(formation, rate(AbuseAction.REFUSE))
    invite, another = await formation.invite(team), await formation.invite(team)
    first = await formation.join(team, "a", invite_id=invite)
    await formation.join(team, "b", invite_id=invite)
    await formation.leave(first.seat)  # whatever became of it
    many = {"signal": "JOINS_PER_INVITE", "limit": "2", "seen": "3"}
    assert await suspected(formation.join(team, "c", invite_id=invite)) == many
    await formation.join(team, "c", invite_id=another)
    await formation.join(team, "d")
    clock.move(MINUTE)
    await formation.join(team, "e", invite_id=invite)


async def test_neighbours_in_a_batch_count_in_order(formation: Formation) -> None:
    team = await a_team(formation, devices(AbuseAction.FLAG), rate(AbuseAction.REFUSE, 5))
    invite = await formation.invite(team)
    held = asyncio.gather(*(outcome(formation.join(team, f"m{n}", marks=PHONE, invite_id=invite)) for n in range(9)))
    answers = await held
    flags = [answer if isinstance(answer, str) else len(answer.seat.flags) for answer in answers]
    assert flags == [0, 0, 1, 1, 1, *["JOIN_SUSPECTED"] * 4]
    assert await formation.rows("SELECT sum(joins)::int FROM invite_rates") == [(5,)]
    assert await violations(formation) == {}


@pytest.mark.parametrize("limit", [1, 3])
async def test_no_more_seats_by_a_device_than_its_limit_on_two_replicas(
    replicas: list[Formation], limit: int, counts: Any
) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=50, abuse_rules=(devices(AbuseAction.REFUSE, limit),)))
    # each replica has a team of its own, so that no lock of a team orders them
    teams = [(await replicas[n].open(campaign, f"leader-{n}")).team.team_id for n in range(2)]
    phones = [Marks(device=f"phone-{n}".encode()) for n in range(5)]
    joins = [replicas[n % 2].join(teams[n % 2], f"member-{n}", marks=phones[n // 2 % 5]) for n in range(100)]
    answers = told(await all_at_once(joins))
    assert answers == {"OK": 5 * limit, "JOIN_SUSPECTED": 100 - 5 * limit}
    taken = "SELECT count(*)::int FROM seats AS s JOIN seat_tags AS t USING (campaign_id, seat_id) GROUP BY t.mark"
    assert await replicas[0].rows(taken) == [(limit,)] * 5
    assert await violations(replicas[0]) == {}
    counts(joiners=100, devices=5, limit=limit, **answers)


async def test_no_more_joins_by_an_invite_than_its_limit_on_two_replicas(
    replicas: list[Formation], counts: Any
) -> None:
    team = await a_team(replicas[0], rate(AbuseAction.REFUSE, 20), maximum=200)
    invite = await replicas[0].invite(team)
    answers = told(await all_at_once(replicas[n % 2].join(team, f"member-{n}", invite_id=invite) for n in range(80)))
    assert answers == {"OK": 20, "JOIN_SUSPECTED": 60}
    assert await replicas[0].rows("SELECT uses FROM invites") == [(20,)]
    assert await violations(replicas[0]) == {}
    counts(joiners=80, limit=20, **answers)


async def test_rules_hold_from_the_next_batch_on_in_every_replica(replicas: list[Formation]) -> None:
    campaign = await replicas[0].create(a_campaign(maximum=50))
    team = (await replicas[1].open(campaign)).team.team_id
    await replicas[1].join(team, "a", marks=PHONE)
    current = await replicas[0].campaigns.current(campaign.platform_id, campaign.campaign_id)
    rules = (devices(AbuseAction.REFUSE, 1),)
    wanted = domain.Update(replace(current, abuse_rules=rules), frozenset({"abuse_rules"}))
    changed = await replicas[0].change(current, wanted)
    assert [rule.limit for rule in changed.campaign.abuse_rules] == [1]
    await replicas[1].join(team, "b", marks=PHONE)  # the seat of before was not counted
    assert await suspected(replicas[1].join(team, "c", marks=PHONE))


async def test_who_waits_counts_and_is_flagged(formation: Formation) -> None:
    rules = {"on_full": domain.OnFull.WAITLIST}
    team = await a_team(formation, devices(AbuseAction.FLAG, 1), maximum=2, rules=rules)
    await formation.join(team, "a", marks=PHONE)
    waits = await formation.join(team, "b", marks=PHONE)
    assert (waits.seat.state, list(waits.seat.flags)) == (types_pb2.SEAT_STATE_WAITING, [DEVICE])


async def test_late_comers_are_judged_where_another_team_takes_them(formation: Formation) -> None:
    rules = {"on_full": domain.OnFull.OPEN_TEAM}
    team = await a_team(formation, devices(AbuseAction.REFUSE, 1), rate(AbuseAction.FLAG, 1), maximum=2, rules=rules)
    invite = await formation.invite(team)
    await formation.join(team, "a", marks=PHONE, invite_id=invite)
    late = await formation.join(team, "b", invite_id=invite)
    assert late.outcome == pb.JOIN_OUTCOME_OTHER_TEAM
    assert list(late.seat.flags) == [RATE]
    assert await suspected(formation.join(team, "c", marks=PHONE, invite_id=invite))


async def test_the_platform_says_rules_and_tags_and_its_admin_alone_sees_flags_later(api: Api) -> None:
    request = a_request()
    request.abuse_rules.add(signal=DEVICE, action=abuse_pb2.ABUSE_ACTION_FLAG, limit=1)
    campaign = (await api.call("CreateCampaign", request)).campaign
    assert campaign.abuse_rules[0].within.seconds == 30 * 24 * 3600
    opening = pb.OpenTeamRequest(request_id="o", campaign_id=campaign.campaign_id, member_id="mei", sku="mango")
    opening.device_tag = "phone"
    team = (await api.call("OpenTeam", opening)).team.team_id
    join = pb.JoinTeamRequest(request_id="j", team_id=team, member_id="tom", sku="mango", device_tag="phone")
    seat = (await api.call("JoinTeam", join)).seat
    assert list(seat.flags) == [DEVICE]
    made = await api.call("CreateKey", keys_pb2.TeamFormationCreateKeyRequest(request_id="k", scopes=[READ]))
    for key, flags in ((None, [DEVICE]), (made.secret, [])):
        read = await api.call("GetSeat", pb.GetSeatRequest(seat_id=seat.seat_id), key)
        listed = await api.call("ListSeats", pb.ListSeatsRequest(team_id=team), key)
        story = await api.call("ListSeatEvents", history_pb2.ListSeatEventsRequest(seat_id=seat.seat_id), key)
        assert list(read.seat.flags) == list(listed.seats[1].flags) == flags
        [held] = [event.seat_held.seat for event in story.events if event.WhichOneof("fact") == "seat_held"]
        assert list(held.flags) == flags


async def test_a_tag_that_says_too_much_is_refused_with_its_field(api: Api) -> None:
    join = pb.JoinTeamRequest(request_id="j", member_id="tom", sku="mango")
    join.team_id = translate.team_id(ids.new_id(), ids.new_id())
    join.address_tag = "10.1.2.3"
    _, reason, fields = await refused(api.call("JoinTeam", join))
    assert (reason, list(fields)) == ("INVALID_ARGUMENT", ["address_tag"])
