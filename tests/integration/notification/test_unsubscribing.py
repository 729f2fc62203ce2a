"""A member follows a link: promotions end, or all that may be muted; nobody else can make a link."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from groupbuy.notification.v1 import notification_service_pb2 as pb

from services.chassis.sealing import Sealer
from services.notification.channels import Account, Sent
from services.notification.channels.email import EmailChannel
from services.notification.contacts import Contacts
from services.notification.domain import CONCERNS, Kind
from services.notification.testing import a_letter
from services.notification.unsubscribing import Unsubscribing, Unsubscription
from tests.integration.notification.test_rpc import a_request
from tests.integration.notification.test_wishes import with_consent
from tests.support.notification_rpc import OTHER, SHOP, Api
from tests.support.notifying import SEAL_KEYS, SEALER, START, Notifying
from tests.support.sinks import smtp_sink

LINKS = Unsubscribing(SEALER, "https://shop.example/less")
OTHER_KEYS = "other:" + "A" * 43 + "="


def a_token(promotions_only: bool, member: str = "mei") -> str:  # noqa: FBT001
    return LINKS.token(Unsubscription(SHOP, member, promotions_only))


def a_member(request_id: str, consent_at: timedelta = timedelta()) -> pb.PutMemberRequest:
    consent = pb.Consent(source="checkout")
    consent.at.FromDatetime(START + consent_at)
    request = with_consent(consent)
    request.request_id, request.member.promotions = request_id, True
    return request


async def consents(notification: Notifying) -> list[bool]:
    async with notification.database.read() as connection:
        found = await Contacts(SEALER).find(connection, [(SHOP, "mei")])
    return [contact.consents for contact in found[SHOP, "mei"].contacts]


@pytest.mark.parametrize("promotions_only", [True, False])
async def test_the_link_ends_what_it_is_for_and_the_same_again_changes_nothing(
    api: Api,
    promotions_only: bool,  # noqa: FBT001
) -> None:
    await api.call("PutMember", a_member("r-1"))
    for _ in range(2):
        answer = await api.call("Unsubscribe", pb.UnsubscribeRequest(token=a_token(promotions_only)))
        assert (answer.member_id, answer.promotions_only) == ("mei", promotions_only)
        member = (await api.call("GetMember", pb.GetMemberRequest(member_id="mei"))).member
        assert (member.promotions, member.muted_all) == (False, not promotions_only)
        assert member.unsubscribed_at.ToDatetime() == START.replace(tzinfo=None)


async def test_a_consent_from_before_stays_void_and_a_new_one_counts(api: Api, notification: Notifying) -> None:
    await api.call("PutMember", a_member("r-1"))
    assert await consents(notification) == [True, False]
    await api.call("Unsubscribe", pb.UnsubscribeRequest(token=a_token(promotions_only=True)))
    await api.call("PutMember", a_member("r-2"))
    assert await consents(notification) == [False, False]
    await api.call("PutMember", a_member("r-3", timedelta(minutes=1)))
    assert await consents(notification) == [True, False]


async def test_links_that_are_not_the_platforms_own_are_refused(api: Api) -> None:
    await api.call("PutMember", a_request())
    good = a_token(promotions_only=True)
    foreign = Unsubscribing(Sealer.read(OTHER_KEYS)).token(Unsubscription(SHOP, "mei", promotions_only=True))
    for token in ("", "x", "not a token", "é", "A" * 500, good[:-2] + "AA", foreign):
        reason, _ = await api.refused("Unsubscribe", pb.UnsubscribeRequest(token=token))
        assert reason == "UNSUBSCRIBE_TOKEN_INVALID"
    assert (await api.refused("Unsubscribe", pb.UnsubscribeRequest(token=good), OTHER))[
        0
    ] == "UNSUBSCRIBE_TOKEN_INVALID"
    gone = a_token(promotions_only=True, member="ann")
    assert (await api.refused("Unsubscribe", pb.UnsubscribeRequest(token=gone)))[0] == "MEMBER_UNKNOWN"


def test_a_link_shows_nothing_of_the_member_and_opens_after_a_change_of_keys() -> None:
    link = LINKS.link(SHOP, "mei", Kind.PRICE_FELL)
    token = link.removeprefix("https://shop.example/less?token=")
    assert "mei" not in link
    new = Unsubscribing(Sealer.read(f"{OTHER_KEYS},{SEAL_KEYS}"), "https://shop.example/less?x=1")
    assert new.read(token) == Unsubscription(SHOP, "mei", promotions_only=False)
    assert "?x=1&token=" in new.link(SHOP, "mei", Kind.PRICE_FELL)


def test_the_longest_member_id_has_a_link_that_is_read() -> None:
    what = Unsubscription(UUID(int=(1 << 128) - 1), "m" * 64, promotions_only=True)
    long_key = Unsubscribing(Sealer.read("k" * 32 + ":" + "A" * 43 + "="))
    assert long_key.read(long_key.token(what)) == what


@pytest.mark.parametrize("kind", Kind)
def test_what_cannot_be_muted_has_no_link(kind: Kind) -> None:
    assert bool(LINKS.link(SHOP, "mei", kind)) is CONCERNS[kind].may_be_muted
    assert Unsubscribing(SEALER).link(SHOP, "mei", kind) == ""


async def test_an_email_carries_the_link_whole() -> None:
    link = LINKS.link(SHOP, "m" * 64, Kind.PRICE_FELL)
    letter = a_letter("mei@example.com")
    async with smtp_sink() as sink:
        channel = EmailChannel(f"127.0.0.1:{sink.port}", "shop@example.com", seconds=5)
        account = Account(SHOP, {})
        for one in (letter, replace(letter, unsubscribe=link)):
            assert isinstance(await channel.send(one, account), Sent)
        without, with_link = sink.mails
    assert without["List-Unsubscribe"] is None
    assert with_link["List-Unsubscribe"] == f"<{link}>"
    assert with_link["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    raw = [value for name, value in with_link.raw_items() if name == "List-Unsubscribe"]
    assert "=?" not in str(raw)
