"""A stop word that a member writes back ends messages, a start word begins them again, all else changes nothing."""

from uuid import uuid4

import pytest
from groupbuy.notification.v1 import groups_pb2, replies_pb2
from groupbuy.notification.v1 import notification_service_pb2 as pb2

from services.notification.domain import LONGEST_REPLY, Meaning, meaning_of
from tests.integration.notification.test_groups import a_team, bound
from tests.integration.notification.test_unsubscribing import a_member
from tests.support.notification_rpc import OTHER, Api
from tests.support.notifying import Notifying

STOP, START, NOTHING = (
    replies_pb2.REPLY_MEANING_STOP,
    replies_pb2.REPLY_MEANING_START,
    replies_pb2.REPLY_MEANING_OTHER,
)


def said(text: str, request_id: str = "", **by: str) -> replies_pb2.ReadReplyRequest:
    return replies_pb2.ReadReplyRequest(
        request_id=request_id or str(uuid4()), text=text, **(by or {"member_id": "mei"})
    )


async def wishes(api: Api) -> tuple[bool, bool, bool]:
    member = (await api.call("GetMember", pb2.GetMemberRequest(member_id="mei"))).member
    return member.muted_all, member.promotions, member.HasField("unsubscribed_at")


async def test_a_stop_word_ends_messages_and_a_start_word_begins_them_again(api: Api) -> None:
    await api.call("PutMember", a_member("r-1"))
    assert (await api.call("ReadReply", said("When does it come? Please do not stop."))).meaning == NOTHING
    assert await wishes(api) == (False, True, False)
    assert (await api.call("ReadReply", said("Stop!"))).meaning == STOP
    assert await wishes(api) == (True, False, True)
    assert (await api.call("ReadReply", said("/start"))).meaning == START
    assert await wishes(api) == (False, False, True)  # promotions are asked for anew


async def test_the_same_reply_again_changes_nothing_more(api: Api) -> None:
    await api.call("PutMember", a_member("r-1"))
    for _ in range(2):
        assert (await api.call("ReadReply", said("STOP", "1"))).meaning == STOP
        await api.call("ReadReply", said("START", "2"))
    assert (await wishes(api))[0] is False
    assert (await api.refused("ReadReply", said("hello", "1")))[0] == "REQUEST_ID_REUSED"


async def test_somebody_in_a_group_stops_it(notification: Notifying, api: Api) -> None:
    life = await a_team(notification, "mei")
    group_id = await bound(api, life)
    assert (await api.call("ReadReply", said("hello", group_id=group_id))).meaning == NOTHING
    for _ in range(2):
        assert (await api.call("ReadReply", said("/stop@oliveto_bot", group_id=group_id))).meaning == STOP
    [group] = (await api.call("ListGroups", groups_pb2.ListGroupsRequest(team_id=life.team_id))).groups
    assert group.stopped


async def test_nobody_answers_for_another(notification: Notifying, api: Api) -> None:
    await api.call("PutMember", a_member("r-1"))
    group_id = await bound(api, await a_team(notification, "mei"))
    for text in ("stop", "start", "hello"):
        assert (await api.refused("ReadReply", said(text), OTHER))[0] == "MEMBER_UNKNOWN"
        assert (await api.refused("ReadReply", said(text, member_id="a b")))[0] == "MEMBER_UNKNOWN"
        assert (await api.refused("ReadReply", said(text, group_id=group_id), OTHER))[0] == "GROUP_UNKNOWN"
        assert (await api.refused("ReadReply", said(text, group_id="x")))[0] == "GROUP_UNKNOWN"
    _, problems = await api.refused("ReadReply", replies_pb2.ReadReplyRequest(request_id="1", text="stop"))
    assert set(problems) == {"member_id"}
    reason, problems = await api.refused("ReadReply", said("x" * (LONGEST_REPLY + 1)))
    assert (reason, set(problems)) == ("INVALID_ARGUMENT", {"text"})


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        *(
            (word, Meaning.STOP)
            for word in (
                "STOP",
                " stop. ",
                "Stop all",
                "/stop",
                "\uff33\uff34\uff2f\uff30",
                "退订",
                "TD",
                "Baja",
                "إيقاف",
            )
        ),
        *((word, Meaning.START) for word in ("Start", "/start", "/start inv_4711", "UNSTOP", "订阅", "alta")),
        *((text, Meaning.OTHER) for text in ("", "please stop it", "cancel", "/stopwatch", "stop" + "p" * 200, "?")),
        ("/start " + "x" * 300, Meaning.START),
        ("stop" + " " * 300, Meaning.STOP),
        ("¡" * 5000 + "x" + "?" * 4999, Meaning.OTHER),
    ],
)
def test_a_word_by_itself_counts(text: str, meaning: Meaning) -> None:
    assert meaning_of(text) is meaning
