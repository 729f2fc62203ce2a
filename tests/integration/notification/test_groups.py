"""A group chat that is bound to a team has one card, kept up to date, and at most two posts more; anybody stops it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from groupbuy.notification.v1 import groups_pb2
from groupbuy.notification.v1 import notification_service_pb2 as pb2
from groupbuy.pricing.v1 import ladder_pb2

from services.notification.channels import Account, Letter, Outcome, Refused, Retry, Sent, Setup
from services.notification.contacts import Contacts
from services.notification.domain import APART, MOST_GROUPS
from services.notification.handlers import Groups
from services.notification.unsubscribing import Unsubscribing
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notification_rpc import OTHER, SHOP, Api
from tests.support.notifying import SEALER, START, Notifying
from tests.support.prices import Pricing, campaign_changed
from tests.support.teams import TeamLife, price_table

LINK = "https://shop.example/i/Mango4711"
STOP = "https://shop.example/stop"
CHAT = "the mango lovers' chat"


async def a_team(notification: Notifying, *members: str) -> TeamLife:
    """Open a team of five, of which four are needed."""
    life = TeamLife(platform=SHOP, minimum=4, start=START)
    life.open(members[0])
    life.confirm(members[0])
    for member in members[1:]:
        life.join(member)
    await notification.apply(*life.records)
    return life


def groups_of(notification: Notifying, *edits: str) -> Groups:
    links = Unsubscribing(SEALER, STOP)
    return Groups(notification.database, notification.clock, Contacts(SEALER), links, edits)


def asked(life: TeamLife, **changes: Any) -> groups_pb2.BindGroupRequest:
    fields = {
        "request_id": str(uuid4()),
        "team_id": life.team_id,
        "channel": "console",
        "address": CHAT,
        "language": "en",
        "link": LINK,
        **changes,
    }
    return groups_pb2.BindGroupRequest(**fields)


async def bound(api: Api, life: TeamLife, **changes: Any) -> str:
    answer = await api.call("BindGroup", asked(life, **changes))
    assert isinstance(answer, groups_pb2.BindGroupResponse)
    return answer.group_id


class Chat(Scripted):
    """A messenger that numbers messages, and keeps the number of one that is edited."""

    async def send(self, letter: Letter, account: Account) -> Outcome:
        outcome = await super().send(letter, account)
        return Sent(letter.edits or f"id-{len(self.sent)}") if isinstance(outcome, Sent) else outcome


class Played:
    """A group's chat, as those in it see it: posts, of which some were edited."""

    def __init__(self, notification: Notifying, *, edits: bool) -> None:
        self.channel = Chat("console", setup=Setup(edits=edits, has_buttons=True))
        self._notification = notification
        self._groups = groups_of(notification, *(["console"] if edits else []))

    async def look(self) -> None:
        """Let ten seconds go by, and have the groups told."""
        self._notification.clock.move(APART)
        await self._groups.tell()
        async with a_sender(self._notification, self.channel) as sender:
            await turn(sender)

    @property
    def letters(self) -> list[Letter]:
        return [letter for letter in self.channel.sent if letter.kind.startswith("GROUP_")]

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(letter.kind.value, letter.edits) for letter in self.letters]


async def written(notification: Notifying, kind: str) -> int:
    [(count,)] = await notification.rows("SELECT count(*) FROM deliveries WHERE kind = %s", kind)
    return int(count)


async def joined(notification: Notifying, life: TeamLife, member: str) -> None:
    before = len(life.records)
    life.join(member)
    await go_on(notification, life, before)
    notification.clock.move(APART)


async def go_on(notification: Notifying, life: TeamLife, from_record: int) -> None:
    await notification.apply(*life.records[from_record:])


async def test_one_card_is_edited_in_its_place_and_two_posts_follow(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=True)
    await bound(api, life)
    await chat.look()
    await chat.look()
    assert chat.said == [("GROUP_CARD", "")]
    before = len(life.records)
    life.join("tom")
    life.join("ana")
    await go_on(notification, life, before)
    await chat.look()
    before = len(life.records)
    life.tip()
    life.join("lea")
    await go_on(notification, life, before)
    await chat.look()
    before = len(life.records)
    life.form()
    await go_on(notification, life, before)
    await chat.look()
    await chat.look()
    kinds = [kind for kind, _ in chat.said]
    assert kinds.count("GROUP_CARD") == 4
    assert sorted(kinds, reverse=True)[:2] == ["GROUP_ON", "GROUP_ENDED"]
    first = next(at for at, letter in enumerate(chat.channel.sent, 1) if letter.kind == "GROUP_CARD")
    assert {edits for kind, edits in chat.said if kind == "GROUP_CARD"} == {"", f"id-{first}"}
    assert {edits for kind, edits in chat.said if kind != "GROUP_CARD"} == {""}
    text = "\n".join(letter.subject + letter.body for letter in chat.letters)
    assert not any(name in text for name in ("mei", "tom", "ana", "lea"))
    assert (chat.letters[0].link, chat.letters[0].address) == (LINK, CHAT)


async def test_the_card_says_the_price_and_what_it_can_fall_to(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=True)
    pricing = Pricing(life)
    await bound(api, life)
    await chat.look()
    assert "€39.90 now, down to €24.90" in chat.letters[-1].body
    await joined(notification, life, "tom")
    await chat.look()
    await notification.apply(pricing.changed(1, 2, next_fill=3, missing=1))  # no event of the team comes with it
    await chat.look()
    assert "€34.90 now, down to €24.90" in chat.letters[-1].body
    await joined(notification, life, "ana")
    await joined(notification, life, "lea")
    await joined(notification, life, "kim")
    life.tip()
    await notification.apply(life.records[-1], pricing.changed(2, 5))
    await chat.look()
    assert "€24.90 now." in next(letter.body for letter in reversed(chat.letters) if letter.kind == "GROUP_CARD")


async def test_a_price_that_comes_before_the_opening_holds(notification: Notifying, api: Api) -> None:
    life, chat = TeamLife(platform=SHOP, minimum=4, start=START), Played(notification, edits=True)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    await notification.apply(Pricing(life).changed(1, 2, next_fill=3, missing=1))
    await notification.apply(*life.records)
    await bound(api, life)
    await chat.look()
    assert "€34.90 now, down to €24.90" in chat.letters[-1].body


async def test_a_tier_beyond_the_teams_room_is_not_promised(notification: Notifying, api: Api) -> None:
    table = price_table(steps=[(2, 3490), (10, 990)])
    life, chat = TeamLife(platform=SHOP, minimum=4, table=table, start=START), Played(notification, edits=True)
    life.open("mei")
    life.confirm("mei")
    await notification.apply(*life.records)
    await bound(api, life)
    await chat.look()
    assert "€39.90 now, down to €34.90" in chat.letters[-1].body


async def test_a_price_that_the_whole_campaign_moves_is_said(notification: Notifying, api: Api) -> None:
    table = price_table(basis=ladder_pb2.BASIS_CAMPAIGN_UNITS)
    life, chat = TeamLife(platform=SHOP, minimum=4, table=table, start=START), Played(notification, edits=True)
    life.open("mei")
    life.confirm("mei")
    await notification.apply(*life.records)
    await bound(api, life)
    await chat.look()
    assert "€" not in chat.letters[-1].body  # nobody has said yet what the campaign's price is
    await notification.apply(campaign_changed(life, 1, 1, 3, next_fill=5, missing=2))
    await chat.look()
    assert f"€{life.price(3) / 100:.2f} now, down to €24.90" in chat.letters[-1].body
    life.table.ladder_version = 2  # of other teams: their price is theirs
    seen = len(chat.letters)
    await notification.apply(campaign_changed(life, 2, 3, 5))
    notification.clock.move(APART)
    assert await groups_of(notification, "console").tell() == 0
    await chat.look()
    assert len(chat.letters) == seen


async def test_a_channel_that_does_not_edit_has_one_card_and_the_posts(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=False)
    await bound(api, life)
    await chat.look()
    before = len(life.records)
    life.join("tom")
    life.tip()
    await go_on(notification, life, before)
    await chat.look()
    before = len(life.records)
    life.form()
    await go_on(notification, life, before)
    await chat.look()
    assert sorted(chat.said) == [("GROUP_CARD", ""), ("GROUP_ENDED", ""), ("GROUP_ON", "")]


async def test_what_changes_nothing_on_the_card_is_not_told(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=True)
    await bound(api, life)
    await chat.look()
    await notification.do("UPDATE teams SET version = version + 1")
    await chat.look()
    assert len(chat.said) == 1


async def test_a_card_that_waits_is_replaced_by_a_newer_one(notification: Notifying, api: Api) -> None:
    life, groups = await a_team(notification, "mei"), groups_of(notification, "console")
    await bound(api, life)
    await groups.tell()
    before = len(life.records)
    life.join("tom")
    await go_on(notification, life, before)
    notification.clock.move(APART)
    await groups.tell()
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    cards = await notification.rows("SELECT state FROM deliveries WHERE kind = 'GROUP_CARD' ORDER BY team_version")
    assert cards == [("SUPERSEDED",), ("SENT",)]


async def test_no_second_card_is_written_while_one_is_on_its_way(notification: Notifying, api: Api) -> None:
    life, groups = await a_team(notification, "mei"), groups_of(notification, "console")
    await bound(api, life)
    await groups.tell()
    await notification.do("UPDATE deliveries SET claim_id = gen_random_uuid() WHERE kind = 'GROUP_CARD'")
    before = len(life.records)
    life.join("tom")
    await go_on(notification, life, before)
    notification.clock.move(APART)
    await groups.tell()
    assert await written(notification, "GROUP_CARD") == 1
    await notification.do("UPDATE deliveries SET claim_id = NULL")
    notification.clock.move(APART)
    await groups.tell()
    assert await written(notification, "GROUP_CARD") == 2


async def test_no_second_card_is_written_while_the_first_may_have_arrived(notification: Notifying, api: Api) -> None:
    life, groups = await a_team(notification, "mei"), groups_of(notification, "console")
    await bound(api, life)
    await groups.tell()
    await notification.do("UPDATE deliveries SET attempts = 1")
    await joined(notification, life, "tom")
    await groups.tell()
    assert await written(notification, "GROUP_CARD") == 1


async def test_a_card_that_cannot_be_edited_any_more_stays(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=True)
    await bound(api, life)
    await chat.look()
    chat.channel.outcomes[:] = [Refused("message_not_found")]
    await joined(notification, life, "tom")
    await chat.look()
    await joined(notification, life, "ana")
    await chat.look()
    before = len(life.records)
    life.tip()
    await go_on(notification, life, before)
    await chat.look()
    assert [kind for kind, _ in chat.said] == ["GROUP_CARD", "GROUP_CARD", "GROUP_ON"]


async def test_that_it_is_on_is_told_once_however_often_it_turns(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=False)
    await bound(api, life)
    await chat.look()
    for turn_of in (life.tip, life.untip, life.tip):
        before = len(life.records)
        turn_of()
        await go_on(notification, life, before)
        await chat.look()
    assert [kind for kind, _ in chat.said] == ["GROUP_CARD", "GROUP_ON"]


async def test_that_it_is_on_is_told_later_where_it_was_not_sent(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=False)
    await bound(api, life)
    await chat.look()
    for turn_of in (life.tip, life.untip):
        before = len(life.records)
        turn_of()
        await go_on(notification, life, before)
        notification.clock.move(APART)
        await groups_of(notification).tell()
    await chat.look()
    before = len(life.records)
    life.tip()
    await go_on(notification, life, before)
    await chat.look()
    assert [kind for kind, _ in chat.said] == ["GROUP_CARD", "GROUP_ON"]


async def test_a_team_cancelled_after_it_formed_is_told_of_once_more(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei", "tom", "ana", "lea"), Played(notification, edits=True)
    before = len(life.records)
    life.tip()
    await go_on(notification, life, before)
    await bound(api, life)
    await chat.look()
    before = len(life.records)
    life.form()
    await go_on(notification, life, before)
    await chat.look()
    before = len(life.records)
    life.cancel()
    await go_on(notification, life, before)
    await chat.look()
    await chat.look()
    assert [kind for kind, _ in chat.said].count("GROUP_ENDED") == 2
    assert "cancelled" in "".join(letter.body for letter in chat.letters if letter.kind == "GROUP_CARD")


async def test_a_chat_that_takes_nothing_any_more_is_told_again_when_bound_again(
    notification: Notifying, api: Api
) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=True)
    first = await bound(api, life)
    chat.channel.outcomes[:] = [Refused("kicked", is_gone=True)]
    await chat.look()
    await joined(notification, life, "tom")
    await chat.look()
    assert await written(notification, "GROUP_CARD") == 1
    assert await bound(api, life) != first
    await chat.look()
    await joined(notification, life, "ana")
    await chat.look()
    assert len(chat.said) == 3
    assert chat.said[-1][1]  # it is edited again


async def test_bound_again_with_another_link_it_has_its_card_anew(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=True)
    group_id = await bound(api, life)
    await chat.look()
    assert await bound(api, life, link=f"{LINK}2") == group_id
    await chat.look()
    await chat.look()
    assert [letter.link for letter in chat.letters] == [LINK, f"{LINK}2"]
    assert chat.letters[1].edits


async def test_a_stale_card_does_not_ask_to_join_a_team_that_ended(notification: Notifying, api: Api) -> None:
    life = await a_team(notification, "mei")
    await bound(api, life)
    await groups_of(notification).tell()
    before = len(life.records)
    life.fail()
    await go_on(notification, life, before)
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    assert await notification.rows("SELECT state FROM deliveries WHERE kind = 'GROUP_CARD'") == [("SUPERSEDED",)]


async def test_a_post_is_not_sent_when_it_is_true_no_more(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=False)
    await bound(api, life)
    await chat.look()
    before = len(life.records)
    life.join("tom")
    life.tip()
    await go_on(notification, life, before)
    notification.clock.move(APART)
    await groups_of(notification).tell()
    await notification.do("UPDATE teams SET state = 'FORMING'")
    async with a_sender(notification, chat.channel) as sender:
        await turn(sender)
    [(state, reason)] = await notification.rows("SELECT state, reason FROM deliveries WHERE kind = 'GROUP_ON'")
    assert (state, "not certain" in reason) == ("SUPERSEDED", True)


async def test_anybody_stops_it_by_the_link_on_the_card(notification: Notifying, api: Api) -> None:
    life, groups = await a_team(notification, "mei"), groups_of(notification)
    group_id = await bound(api, life)
    await groups.tell()
    [(body,)] = await notification.rows("SELECT body FROM deliveries WHERE kind = 'GROUP_CARD'")
    token = body.split(f"{STOP}?token=")[1].split()[0]
    request = pb2.UnsubscribeRequest(token=token)
    assert (await api.refused("Unsubscribe", request, OTHER))[0] == "UNSUBSCRIBE_TOKEN_INVALID"
    for _ in range(2):
        assert (await api.call("Unsubscribe", request)).is_group
    async with a_sender(notification, Scripted("console")) as sender:
        await turn(sender)
    assert await notification.rows("SELECT state FROM deliveries WHERE kind = 'GROUP_CARD'") == [("SUPPRESSED",)]
    assert await notification.rows("SELECT count(*) FROM contact_points WHERE member_id LIKE '@%%'") == [(0,)]
    before = len(life.records)
    life.join("tom")
    life.tip()
    await go_on(notification, life, before)
    notification.clock.move(APART)
    assert await groups.tell() == 0
    [group] = (await api.call("ListGroups", groups_pb2.ListGroupsRequest(team_id=asked(life).team_id))).groups
    assert (group.group_id, group.stopped, group.HasField("over_at")) == (group_id, True, True)


async def test_the_platform_stops_it(notification: Notifying, api: Api) -> None:
    life = await a_team(notification, "mei")
    group_id = await bound(api, life)
    stop = groups_pb2.StopGroupRequest(request_id="1", group_id=group_id)
    assert (await api.refused("StopGroup", stop, OTHER))[0] == "GROUP_UNKNOWN"
    await api.call("StopGroup", stop)
    await api.call("StopGroup", stop)
    assert await groups_of(notification).tell() == 0
    stop.group_id = "x"
    stop.request_id = "2"
    assert (await api.refused("StopGroup", stop))[0] == "GROUP_UNKNOWN"
    assert await bound(api, life) != group_id  # bound anew, as somebody wished


async def test_the_same_chat_is_bound_once(notification: Notifying, api: Api) -> None:
    life = await a_team(notification, "mei")
    assert await bound(api, life) == await bound(api, life)
    assert await bound(api, life) != await bound(api, life, address="another chat")


async def test_a_team_takes_so_many_groups(notification: Notifying, api: Api) -> None:
    life = await a_team(notification, "mei")
    for number in range(MOST_GROUPS):
        await bound(api, life, address=f"chat {number}")
    assert (await api.refused("BindGroup", asked(life)))[0] == "GROUP_LIMIT"
    assert await bound(api, life, address="chat 0")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", ""),
        ("language", "not a language"),
        ("time_zone", "Asia"),
        ("link", ""),
        ("link", "http://shop.example/i/x"),
        ("link", "https://127.0.0.1/i/x"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(
    notification: Notifying, api: Api, field: str, value: str
) -> None:
    life = await a_team(notification, "mei")
    reason, problems = await api.refused("BindGroup", asked(life, **{field: value}))
    assert (reason, set(problems)) == ("INVALID_ARGUMENT", {field})
    assert "must" in problems[field]
    assert await notification.rows("SELECT count(*) FROM group_chats") == [(0,)]


async def test_only_an_open_team_of_ones_own_takes_groups(notification: Notifying, api: Api) -> None:
    life = await a_team(notification, "mei")
    assert (await api.refused("BindGroup", asked(life, channel="smoke")))[0] == "CHANNEL_UNKNOWN"
    assert (await api.refused("BindGroup", asked(life, team_id="x")))[0] == "TEAM_UNKNOWN"
    assert (await api.refused("BindGroup", asked(life), OTHER))[0] == "TEAM_UNKNOWN"
    listed = groups_pb2.ListGroupsRequest(team_id=asked(life).team_id)
    assert (await api.refused("ListGroups", listed, OTHER))[0] == "TEAM_UNKNOWN"
    notification.clock.move(timedelta(days=2))
    assert (await api.refused("BindGroup", asked(life)))[0] == "TEAM_ENDED"


async def test_a_team_that_ended_before_its_card_has_a_card_alone(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=True)
    await bound(api, life)
    before = len(life.records)
    life.fail()
    await go_on(notification, life, before)
    await chat.look()
    await chat.look()
    assert chat.said == [("GROUP_CARD", "")]
    assert chat.letters[0].link == ""


async def test_a_card_that_was_tried_in_vain_takes_no_other_place(notification: Notifying, api: Api) -> None:
    life, chat = await a_team(notification, "mei"), Played(notification, edits=True)
    await bound(api, life)
    await groups_of(notification, "console").tell()
    chat.channel.outcomes[:] = [Retry("busy")]
    async with a_sender(notification, chat.channel) as sender:
        await sender.run_once()
        await sender.idle()
    notification.clock.move(timedelta(seconds=30))
    async with a_sender(notification, chat.channel) as sender:
        await turn(sender)
    assert [letter.edits for letter in chat.letters] == ["", ""]


async def test_no_member_of_a_platform_is_a_group(api: Api) -> None:
    member = pb2.Member(member_id=f"@{uuid4().hex}")
    reason, problems = await api.refused("PutMember", pb2.PutMemberRequest(request_id="1", member=member))
    assert (reason, "member.member_id" in problems) == ("INVALID_ARGUMENT", True)
