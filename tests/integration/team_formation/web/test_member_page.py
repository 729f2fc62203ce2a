"""A member's own page over HTTP: what it says in each state, giving the seat back in two steps, links taken back."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from groupbuy.team_formation.v1 import member_links_pb2 as pb

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.team_formation.signed_links import MemberLinks
from services.team_formation.store import member_links as shelf
from tests.support.formation import PLATFORM, PUBLIC_URL, Formation
from tests.support.shop_api import Api, refused
from tests.support.web import Seen, Visitor, a_shown_campaign, a_web_edge, becomes

LINKS = MemberLinks("a secret of tests", PUBLIC_URL)


@pytest.fixture
async def visitor(formation: Formation) -> AsyncIterator[Visitor]:
    async with a_web_edge(formation) as someone:
        yield someone


def path_of(seat: Any, number: int = 0) -> str:
    """The path of a seat's page."""
    campaign_id, seat_id = ids.parse("seat", seat.seat_id, 2) or ()
    return LINKS.url(campaign_id, seat_id, number).removeprefix(PUBLIC_URL)


async def post(visitor: Visitor, path: str, **form: str) -> Seen:
    """Send a form of the page."""
    async with visitor.session.post(visitor.origin + path, data=form, allow_redirects=False) as response:
        return Seen(response.status, response.headers, await response.read())


def nonce_of(page: Seen) -> str:
    return page.text.split('name="nonce" value="')[1].split('"')[0]


async def test_the_page_says_how_the_seat_stands_and_what_it_costs_and_why(
    formation: Formation, visitor: Visitor
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()), quantity=2)
    held = await visitor.get(path_of(opened.seat))
    assert held.status == 200
    assert "Your place is kept until Nov 21, 8:10\u202fPM (Shanghai)." in held.text
    assert "As it stands you pay €79.80, and never more than €79.80." in held.text
    assert 'href="https://shop.example/buy"' in held.text
    assert "2 units of mango" in held.text
    await formation.confirm(opened.seat)
    await formation.confirm((await formation.join(opened.team.team_id, "lin")).seat)
    sure = await becomes(
        lambda: visitor.get(path_of(opened.seat)), lambda page: "never more than" in page.text and "69.80" in page.text
    )
    assert "Your place is certain for you." in sure.text
    assert "You paid €79.80; what it costs less in the end comes back to you." in sure.text
    assert "At a fill of 2, counting confirmed places only, a unit costs €34.90." in sure.text
    assert sure.headers["cache-control"] == "no-store"
    assert "noindex" in sure.headers["x-robots-tag"]
    assert "mei" not in sure.text


async def test_a_seat_is_given_back_in_two_steps_and_once(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    await formation.confirm(opened.seat)
    path = path_of(opened.seat)
    asked = await visitor.get(f"{path}/leave")
    assert "Give your place back?" in asked.text
    assert "What you paid is given back to you." in asked.text
    assert "Somebody else will lead the team." in asked.text
    assert await formation.rows("SELECT state FROM seats") == [("CONFIRMED",)]
    nonce = nonce_of(asked)
    for _ in range(2):
        assert (await post(visitor, f"{path}/leave", nonce=nonce)).headers["location"] == path
    assert await formation.rows("SELECT state, release_reason FROM seats") == [("RELEASED", "LEFT")]
    page = await becomes(lambda: visitor.get(path), lambda page: "given your place back" in page.text)
    assert "/leave" not in page.text
    assert (await visitor.get(f"{path}/leave")).headers["location"] == path
    again = await post(visitor, f"{path}/leave", nonce=nonce_of(asked)[:-1] + "x")
    assert again.status == 409
    assert "That is not possible now" in again.text


async def test_without_the_form_nothing_is_given_back(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    path = path_of(opened.seat)
    for form in ({}, {"nonce": "short"}, {"nonce": "x" * 5000}):
        answer = await post(visitor, f"{path}/leave", **form)
        assert (answer.status, answer.headers["location"]) == (303, f"{path}/leave")
    assert await formation.rows("SELECT state FROM seats") == [("HELD",)]


async def test_a_member_makes_a_link_of_its_own_once(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    await formation.confirm(opened.seat)
    path = path_of(opened.seat)
    for _ in range(2):
        assert (await post(visitor, f"{path}/invite")).status == 303
    [(invite_id, member)] = await formation.rows("SELECT invite_id, member_id FROM invites")
    assert member == "mei"
    page = await visitor.get(path)
    assert formation.codes.url(formation.codes.code(invite_id)) in page.text
    assert (await visitor.get(f"/i/{formation.codes.code(invite_id)}")).status == 200


async def test_what_is_stored_can_be_taken_along(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    exported = await visitor.get(f"{path_of(opened.seat)}/export.json")
    assert "attachment" in exported.headers["content-disposition"]
    stored = json.loads(exported.body)
    assert (stored["seat_id"], stored["member_id"]) == (opened.seat.seat_id, "mei")


async def test_ends_of_a_seat_are_said(formation: Formation, visitor: Visitor, clock: ManualClock) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign(maximum=2)))
    await formation.confirm(opened.seat)
    late = await formation.join(opened.team.team_id, "lin")
    clock.move(timedelta(minutes=11))
    await formation.finder.run_once()
    page = await becomes(lambda: visitor.get(path_of(late.seat)), lambda page: "in time" in page.text)
    assert "has gone to others" in page.text
    await formation.confirm((await formation.join(opened.team.team_id, "ana")).seat)
    formed = await becomes(lambda: visitor.get(path_of(opened.seat)), lambda page: "Final price" in page.text)
    assert "Final price: €34.90." in formed.text
    assert "This team is complete" in formed.text


async def test_a_link_that_was_changed_or_taken_back_leads_nowhere(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    path = path_of(opened.seat)
    campaign_id, seat_id = ids.parse("seat", opened.seat.seat_id, 2) or ()
    strangers = MemberLinks("another secret", PUBLIC_URL).url(campaign_id, seat_id, 0).removeprefix(PUBLIC_URL)
    for at in range(3, len(path), 7):
        changed = path[:at] + ("A" if path[at] != "A" else "B") + path[at + 1 :]
        assert (await visitor.get(changed)).status == 404
    unknown = await visitor.get(strangers)
    async with formation.database.work() as work:
        await shelf.raise_number(work.connection, PLATFORM, campaign_id, seat_id, formation.clock.now())
    revoked = await visitor.get(path)
    assert (unknown.status, revoked.status) == (404, 404)
    assert unknown.body == revoked.body
    assert (await visitor.get(path_of(opened.seat, 1))).status == 200
    assert (await post(visitor, f"{path}/invite")).status == 404


async def test_the_page_follows_the_team(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    async with visitor.session.get(f"{visitor.origin}{path_of(opened.seat)}/events") as stream:
        assert b"event: time" in await stream.content.readline()
        await formation.confirm(opened.seat)
        async for line in stream.content:
            if line.startswith(b"data: ") and b"certain for you" in line:
                break


async def test_platforms_get_links_and_take_them_back(api: Api, formation: Formation) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign(platform_id=api.platform_id)))
    first = (await api.call("GetMemberLink", pb.GetMemberLinkRequest(seat_id=opened.seat.seat_id))).url
    assert first == (await api.call("GetMemberLink", pb.GetMemberLinkRequest(seat_id=opened.seat.seat_id))).url
    second = (await api.call("RevokeMemberLink", pb.RevokeMemberLinkRequest(seat_id=opened.seat.seat_id))).url
    assert second != first
    assert second == (await api.call("GetMemberLink", pb.GetMemberLinkRequest(seat_id=opened.seat.seat_id))).url
    _, reason, _ = await refused(api.call("GetMemberLink", pb.GetMemberLinkRequest(seat_id="seat_nothing")))
    assert reason == "SEAT_UNKNOWN"
