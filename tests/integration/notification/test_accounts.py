"""Channels that platforms set up: secrets stay sealed, an account rests where it must, no message is lost."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.chassis.sealing import NotOpened, Sealer
from services.notification.accounts import Accounts, divided
from services.notification.channels import Account, Field, Misconfigured, Refused, Retry, Sent, Setup
from services.notification.store import AccountRow
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notifying import SEAL_KEYS, SEALER, Notifying
from tests.support.teams import TeamLife

TOKEN = Setup((Field("app", "the app's name"), Field("token", "the app's token", secret=True)))
OTHER_KEYS = "other:" + "A" * 43 + "="


async def set_up(notification: Notifying, platform: UUID, channel: str = "chat", token: str = "t-1") -> int:  # noqa: S107
    row = AccountRow(platform, channel, 0, {"app": "shop"}, b"", notification.clock.now())
    async with notification.database.work() as work:
        return await Accounts(SEALER).save(work.connection, row, {"token": token})


async def a_message(notification: Notifying, *points: tuple[str, str]) -> UUID:
    """Mei joins a team, and is to be told; gives her platform."""
    life = TeamLife()
    await notification.put(life.platform, "mei", *points)
    life.open("mei")
    await notification.apply(*life.records)
    return life.platform


async def pauses(notification: Notifying) -> list[tuple[str, str]]:
    return [tuple(row) for row in await notification.rows("SELECT channel, problem FROM channel_pauses")]


async def test_the_platforms_own_account_is_given_to_the_channel_and_kept_sealed(notification: Notifying) -> None:
    chat = Scripted("chat", setup=TOKEN)
    platform = await a_message(notification, ("chat", "mei-1"))
    await set_up(notification, platform, token="not for everybody")
    async with a_sender(notification, chat) as sender:
        await turn(sender)
    assert chat.accounts == [Account(platform, {"app": "shop", "token": "not for everybody"}, 1)]
    assert await notification.states() == {("JOINED", "mei"): "SENT"}
    dumped = str(
        await notification.rows("SELECT channel_accounts::text, encode(secrets, 'escape') FROM channel_accounts")
    )
    assert "not for everybody" not in dumped


async def test_new_settings_are_used_from_the_next_message_on(notification: Notifying) -> None:
    chat = Scripted("chat", setup=TOKEN)
    async with a_sender(notification, chat) as sender:
        for token in ("old", "new"):
            life = TeamLife(platform=UUID(int=9))
            await notification.put(life.platform, "mei", ("chat", "mei-1"))
            await set_up(notification, life.platform, token=token)
            life.open("mei")
            await notification.apply(*life.records)
            await turn(sender)
    assert [account.settings["token"] for account in chat.accounts] == ["old", "new"]


async def test_a_channel_that_is_not_set_up_rests_and_the_next_contact_point_is_tried(notification: Notifying) -> None:
    chat, desk = Scripted("chat", setup=TOKEN), Scripted("desk")
    platform = await a_message(notification, ("chat", "mei-1"), ("desk", "desk 7"))
    async with a_sender(notification, chat, desk) as sender:
        await turn(sender)
        assert (chat.sent, len(desk.sent)) == ([], 1)
        assert "PutChannel" in (await pauses(notification))[0][1]
        notification.clock.move(timedelta(seconds=61))
        await set_up(notification, platform)
        await turn(sender)
    assert (chat.sent, len(desk.sent)) == ([], 1)
    assert await notification.states() == {("JOINED", "mei"): "SENT"}


async def test_where_there_is_no_other_contact_point_the_message_waits_for_the_account(notification: Notifying) -> None:
    chat = Scripted("chat", [Misconfigured("the token was revoked")], setup=TOKEN)
    platform = await a_message(notification, ("chat", "mei-1"))
    await set_up(notification, platform)
    async with a_sender(notification, chat) as sender:
        await turn(sender)
        assert len(chat.sent) == 1
        notification.clock.move(timedelta(seconds=61))
        await turn(sender)
    assert len(chat.sent) == 2
    assert await notification.states() == {("JOINED", "mei"): "SENT"}


async def test_while_a_problem_lasts_members_are_told_by_another_channel(notification: Notifying) -> None:
    chat, desk = Scripted("chat", [Misconfigured("the token was revoked")] * 9, setup=TOKEN), Scripted("desk")
    platform = await a_message(notification, ("chat", "mei-1"), ("desk", "desk 7"))
    await set_up(notification, platform)
    async with a_sender(notification, chat, desk) as sender:
        await turn(sender)
        notification.clock.move(timedelta(seconds=30))
        second = TeamLife(platform=platform)
        second.open("mei")
        await notification.apply(*second.records)
        await turn(sender)
    assert (len(chat.sent), len(desk.sent)) == (1, 2)
    assert await pauses(notification) == [("chat", "the token was revoked")]


async def test_a_service_that_slows_an_account_is_left_alone_until_then(notification: Notifying) -> None:
    chat = Scripted("chat", [Retry("HTTP 429", timedelta(seconds=40), whole_account=True)], setup=TOKEN)
    platform = await a_message(notification, ("chat", "mei-1"))
    await set_up(notification, platform)
    async with a_sender(notification, chat) as sender:
        await turn(sender)
        second = TeamLife(platform=platform)
        second.open("mei")
        await notification.apply(*second.records)
        await turn(sender)
        assert len(chat.sent) == 1
        notification.clock.move(timedelta(seconds=41))
        await turn(sender)
    assert len(chat.sent) == 3
    assert [row[0] for row in await notification.rows("SELECT state FROM deliveries")] == ["SENT", "SENT"]


async def test_what_was_sent_ends_a_problem(notification: Notifying) -> None:
    chat = Scripted("chat", [Misconfigured("the token was revoked"), Sent()], setup=TOKEN)
    platform = await a_message(notification, ("chat", "mei-1"))
    await set_up(notification, platform)
    async with a_sender(notification, chat) as sender:
        await turn(sender)
        assert await pauses(notification)
        notification.clock.move(timedelta(minutes=2))
        await turn(sender)
    assert await pauses(notification) == []


async def test_a_contact_point_that_is_gone_is_tried_no_more_until_it_is_registered_again(
    notification: Notifying,
) -> None:
    chat, desk = Scripted("chat", [Refused("blocked by the user", is_gone=True)]), Scripted("desk")
    platform = await a_message(notification, ("chat", "mei-1"), ("desk", "desk 7"))
    async with a_sender(notification, chat, desk) as sender:
        await turn(sender)
        second = TeamLife(platform=platform)
        second.open("mei")
        await notification.apply(*second.records)
        await turn(sender)
        assert (len(chat.sent), len(desk.sent)) == (1, 2)
        await notification.put(platform, "mei", ("chat", "mei-1"), ("desk", "desk 7"))
        third = TeamLife(platform=platform)
        third.open("mei")
        await notification.apply(*third.records)
        await turn(sender)
    assert (len(chat.sent), len(desk.sent)) == (2, 2)


async def test_a_service_that_counts_seconds_gets_no_more_than_it_takes(notification: Notifying) -> None:
    chat = Scripted("chat", setup=Setup(per_second=2))
    life = TeamLife(maximum=50)
    await notification.put(life.platform, "m0", ("chat", "m0"))
    life.open("m0")
    for number in range(1, 10):
        await notification.put(life.platform, f"m{number}", ("chat", f"m{number}"))
        life.hold(f"m{number}")
    await notification.apply(*life.records)
    counted = []
    async with a_sender(notification, chat) as sender:
        for _ in range(6):
            await turn(sender)
            counted.append(len(chat.sent))
            notification.clock.move(timedelta(seconds=1))
    assert counted[-1] == 10
    assert all(sent <= 2 * (second + 2) for second, sent in enumerate(counted)), counted


async def test_seals_are_made_anew_when_the_key_changes(notification: Notifying) -> None:
    platform = UUID(int=3)
    await set_up(notification, platform)
    new = Accounts(Sealer.read(f"{OTHER_KEYS},{SEAL_KEYS}"))
    assert await new.seal_anew(notification.database) == 1
    assert await new.seal_anew(notification.database) == 0
    async with notification.database.read() as connection:
        found = await Accounts(Sealer.read(OTHER_KEYS)).find(connection, [(platform, "chat")])
        assert found[platform, "chat"].settings["token"] == "t-1"
        assert await Accounts(SEALER).find(connection, [(platform, "chat")]) == {}


async def test_sealed_secrets_of_one_platform_do_not_open_for_another(notification: Notifying) -> None:
    one, other = UUID(int=3), UUID(int=4)
    await set_up(notification, one)
    await set_up(notification, other)
    [(sealed,)] = await notification.rows("SELECT secrets FROM channel_accounts WHERE platform_id = %s", one)
    row = AccountRow(other, "chat", 1, {}, sealed, notification.clock.now())
    with pytest.raises(NotOpened):
        Accounts(SEALER).secrets(row)


def test_what_is_secret_of_an_account_is_divided_off() -> None:
    given = {"app": "shop", "token": "t"}
    assert divided(Scripted("chat", setup=TOKEN), given) == ({"app": "shop"}, {"token": "t"})


async def test_an_account_that_does_not_open_keeps_no_other_from_a_new_seal(notification: Notifying) -> None:
    for number in (3, 4, 5):
        await set_up(notification, UUID(int=number))
    await notification.do("UPDATE channel_accounts SET secrets = '\\x00' WHERE platform_id = %s", UUID(int=3))
    new = Accounts(Sealer.read(f"{OTHER_KEYS},{SEAL_KEYS}"))
    assert await new.seal_anew(notification.database) == 2
    assert await new.seal_anew(notification.database) == 0
