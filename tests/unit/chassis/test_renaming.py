"""A member's id is replaced wherever a message names the member, and nowhere else."""

import re
from pathlib import Path

from groupbuy.notification.v1 import chats_pb2, messages_pb2
from groupbuy.team_formation.v1 import events_pb2, team_formation_service_pb2, wechat_files_pb2

from services.chassis.renaming import MEMBER_FIELDS, ids_in, names_members, overwrite, rename

PROTO = Path(__file__).parents[3] / "proto"
NO_MEMBERS = {"member_id_tag"}
"""Fields whose names sound so, and that name nobody."""


def test_every_field_that_names_somebody_is_known() -> None:
    named = set()
    for file in PROTO.rglob("*.proto"):
        named |= set(re.findall(r"string (\w*(?:member|promoter|beneficiary|actor)\w*) = \d+;", file.read_text()))
    assert named - NO_MEMBERS <= MEMBER_FIELDS
    assert MEMBER_FIELDS - named == {"not_written"}


def test_ids_are_replaced_at_any_depth_and_in_lists() -> None:
    event = events_pb2.TeamEvent(team_id="mei", seat_held=events_pb2.SeatHeld())
    event.seat_held.seat.member_id, event.seat_held.seat.sku = "mei", "mei"
    assert ids_in(event) == {"mei"}
    assert rename(event, "mei", "erased-1")
    assert (event.team_id, event.seat_held.seat.member_id, event.seat_held.seat.sku) == ("mei", "erased-1", "mei")
    assert not rename(event, "mei", "erased-1")
    sent = messages_pb2.SendMessageResponse(not_written=["tom", "mei"])
    assert rename(sent, "mei", "erased-1")
    assert list(sent.not_written) == ["tom", "erased-1"]


def test_own_words_go_with_the_id() -> None:
    made = team_formation_service_pb2.CreateInviteResponse()
    made.invite.member_id, made.invite.label, made.invite.note = "mei", "for my sister", "call 42"
    rename(made, "mei", "erased-1")
    assert (made.invite.member_id, made.invite.label, made.invite.note) == ("erased-1", "", "")


def test_a_message_without_members_is_not_walked() -> None:
    assert not names_members(wechat_files_pb2.ListWeChatFilesResponse.DESCRIPTOR)
    assert names_members(chats_pb2.ChatEvent.DESCRIPTOR)


def test_what_cannot_be_read_keeps_its_form() -> None:
    raw = events_pb2.TeamOpened(opener_member_id="mei").SerializeToString()
    assert events_pb2.TeamOpened.FromString(overwrite(raw, "mei")).opener_member_id == "xxx"
    assert overwrite(raw, "") == raw
