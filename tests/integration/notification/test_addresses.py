"""Addresses are nowhere in plain, rows of 0.1.0 are sealed, a contact point keeps its id while its address stays."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from groupbuy.notification.v1 import notification_service_pb2 as pb
from psycopg import AsyncConnection

from services.chassis import requests
from services.chassis.requests import RequestKey
from services.chassis.sealing import Sealer
from services.notification.contacts import Contacts
from services.notification.domain import Contact, Member, Point
from services.notification.handlers import MemberWriter, PutMember
from tests.integration.notification.test_sending import Scripted, a_delivery, a_sender, turn
from tests.support.notifying import SEAL_KEYS, SEALER, Notifying

SHOP = UUID(int=1)
LONG = timedelta(minutes=1)
OTHER_KEYS = "other:" + "A" * 43 + "="


async def contacts(notification: Notifying, sealer: Sealer = SEALER, platform: UUID = SHOP) -> list[Contact]:
    async with notification.database.read() as connection:
        return list((await Contacts(sealer).find(connection, [(platform, "mei")]))[platform, "mei"].contacts)


async def in_plain(notification: Notifying) -> None:
    """Turn the contact points into rows as 0.1.0 wrote them."""
    for item in await contacts(notification):
        await notification.do(
            "UPDATE contact_points SET address = %s, sealed = NULL, key_id = '' WHERE contact_id = %s",
            *(item.address, item.contact_id),
        )


async def dumped(connection: AsyncConnection[Any]) -> str:
    """All that is in any table."""
    cursor = await connection.execute(
        "SELECT quote_ident(relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace"
        " WHERE relkind IN ('r', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema')"
    )
    dump = ""
    for (name,) in await cursor.fetchall():
        rows = await connection.execute(f"SELECT t::text FROM {name} AS t".encode())  # noqa: S608 - names of tables
        dump += str(await rows.fetchall())
    return dump


async def test_no_table_holds_an_address(notification: Notifying) -> None:
    member = Member("mei", points=(Point("email", "mei@example.com"), Point("console", "the desk")))
    request = pb.PutMemberRequest(request_id="r-1")
    key = RequestKey(requests.NO_CAMPAIGN, SHOP, "PutMember", "r-1", requests.body_hash(request))
    writer = MemberWriter(notification.database, notification.clock, Contacts(SEALER))
    await writer.decide([PutMember(key, member)])
    async with notification.database.read() as connection:
        dump = await dumped(connection)
        assert await Contacts(SEALER).find_member(connection, SHOP, "mei") == member
    assert "r-1" in dump
    for address in (b"mei@example.com", b"the desk"):
        assert address.decode() not in dump
        assert address.hex() not in dump


async def test_a_contact_point_keeps_its_id_while_channel_and_address_stay(notification: Notifying) -> None:
    await notification.put(SHOP, "mei", ("email", "mei@example.com"), ("console", "desk"))
    email, desk = await contacts(notification)
    await notification.put(SHOP, "mei", ("console", "desk"), ("email", "other@example.com"), ("chat", "desk"))
    same, other, chat = await contacts(notification)
    assert same == desk
    assert len({email.contact_id, desk.contact_id, other.contact_id, chat.contact_id}) == 4
    await in_plain(notification)
    await notification.put(SHOP, "mei", ("console", "desk"))
    assert await contacts(notification) == [desk]


async def test_the_same_address_of_two_members_has_two_ids(notification: Notifying) -> None:
    for member in ("mei", "ann"):
        await notification.put(SHOP, member, ("console", "desk"))
    assert (await notification.rows("SELECT count(DISTINCT contact_id) FROM contact_points"))[0][0] == 2


async def test_addresses_of_the_first_release_are_sealed_and_read_meanwhile(notification: Notifying) -> None:
    await notification.put(SHOP, "mei", ("email", "mei@example.com"), ("console", "desk"))
    before = await contacts(notification)
    await in_plain(notification)
    assert await contacts(notification) == before
    assert await Contacts(SEALER).seal_anew(notification.database) == 2
    assert await Contacts(SEALER).seal_anew(notification.database) == 0
    assert await contacts(notification) == before
    assert await notification.rows("SELECT FROM contact_points WHERE address IS NOT NULL") == []


async def test_addresses_are_sealed_anew_when_the_key_changes(notification: Notifying) -> None:
    await notification.put(SHOP, "mei", ("email", "mei@example.com"))
    before = await contacts(notification)
    assert await Contacts(Sealer.read(f"{OTHER_KEYS},{SEAL_KEYS}")).seal_anew(notification.database) == 1
    assert await contacts(notification, Sealer.read(OTHER_KEYS)) == before


async def test_one_address_that_does_not_open_keeps_nothing_else_from_being_sealed(notification: Notifying) -> None:
    await notification.put(SHOP, "ann", ("email", "ann@example.com"))
    lost = Sealer.read(OTHER_KEYS).seal(b"ann@example.com", "elsewhere")
    await notification.do("UPDATE contact_points SET key_id = 'lost', sealed = %s, address = NULL", lost)
    await notification.put(SHOP, "mei", ("email", "mei@example.com"))
    await in_plain(notification)
    await Contacts(SEALER).seal_anew(notification.database)
    rows = await notification.rows("SELECT member_id, key_id FROM contact_points ORDER BY member_id")
    assert [tuple(row) for row in rows] == [("ann", "lost"), ("mei", "test")]


async def test_a_message_waits_for_a_key_that_is_not_here(notification: Notifying) -> None:
    life = await a_delivery(notification, ("email", "mei@example.com"))
    lost = Sealer.read(OTHER_KEYS)
    await notification.do("UPDATE contact_points SET key_id = 'other', sealed = %s", lost.seal(b"x", "elsewhere"))
    email = Scripted("email")
    async with a_sender(notification, email) as sender:
        await turn(sender)
        assert await notification.states() == {("JOINED", "mei"): "PENDING"}
        [(detail,)] = await notification.rows("SELECT detail FROM attempts")
        assert "no key 'other'" in detail
        await notification.put(life.platform, "mei", ("email", "mei@example.com"))
        notification.clock.move(LONG)
        await turn(sender)
    assert [letter.address for letter in email.sent] == ["mei@example.com"]
