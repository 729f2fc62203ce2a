"""Invite pages over HTTP, on a real database: what they say as a team fills, to whom, and what they never give away."""

import asyncio
import gzip
import html
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from PIL import Image

from services.chassis.clock import ManualClock
from services.team_formation import domain
from services.team_formation.handover import HandoverTokens, Verified
from services.team_formation.web.guesses import BURST
from tests.support.formation import PLATFORM, PUBLIC_URL, Formation
from tests.support.handing_over import tokens
from tests.support.until import until
from tests.support.web import PERSON, Visitor, a_shown_campaign, a_web_edge, an_invite, becomes

LIMIT = 14 * 1024


@pytest.fixture
async def visitor(formation: Formation) -> Any:
    """A visitor of a running web edge."""
    async with a_web_edge(formation) as someone:
        yield someone


async def test_the_page_says_what_it_costs_and_what_one_more_friend_changes(
    formation: Formation, visitor: Visitor
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id, note="Best ones in town")
    first = await visitor.get(f"/i/{code}")
    assert first.status == 200
    assert "Mei invites you" in first.text
    assert "Best ones in town" in first.text
    assert "You pay €39.90 now, never more; €34.90 if 1 more joins by Nov 21, 9:00\u202fPM (Shanghai)." in first.text
    assert "2 more needed, you included, else everything is refunded." in first.text
    await formation.confirm(opened.seat)
    second = await becomes(lambda: visitor.data(code), lambda data: data["seats"]["confirmed"] == 1)
    assert second["line"].startswith("You pay €34.90 now, never more; €29.90 if 1 more joins by")
    assert second["certainty"] == "1 more needed (you would do), else everything is refunded."
    assert second["price"] | {"text": "", "alone_text": "", "saving": ""} == {
        "sku": "mango",
        "now": 3490,
        "next": 2990,
        "missing": 1,
        "alone": 3990,
        "alone_kind": "",
        "lowest": 2490,
        "lowest_at": 5,
        "text": "",
        "alone_text": "",
        "saving": "",
    }
    assert [step["is_current"] for step in second["ladder"]] == [True, False, False, False]


async def test_a_page_needs_no_script_and_little_of_a_line(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    for language in ("en", "zh-Hans", "es", "ar"):
        page = await visitor.get(f"/i/{code}", language)
        assert len(gzip.compress(page.body)) <= LIMIT
        assert f'href="/i/{code}/join"' in page.text
        assert page.text.count("<script") == 1
        assert 'src="/static/page.' in page.text
        assert "http://" not in page.text.replace("http://www.w3.org", "")


async def test_languages_are_the_readers_then_the_campaigns(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    chinese = await visitor.get(f"/i/{code}", "fr;q=0.2, zh-CN, en;q=0.5")
    assert '<html lang="zh-Hans" dir="ltr">' in chinese.text
    assert "芒果" in chinese.text
    assert "Mei邀请你参团" in chinese.text
    arabic = await visitor.get(f"/i/{code}?lang=ar", "en")
    assert '<html lang="ar" dir="rtl">' in arabic.text
    assert '<h1 lang="en"><bdi>Mangoes</bdi></h1>' in arabic.text
    assert (await visitor.get(f"/i/{code}", "tlh")).text.startswith('<!DOCTYPE html>\n<html lang="en"')


async def test_the_same_page_is_not_sent_twice(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    page = await visitor.get(f"/i/{code}")
    assert (await visitor.get(f"/i/{code}", if_none_match=page.headers["etag"])).status == 304
    other = await visitor.get(f"/i/{code}", "es", if_none_match=page.headers["etag"])
    assert other.status == 200
    assert "accept-language" in page.headers["vary"]
    await formation.confirm(opened.seat)
    await becomes(lambda: visitor.data(code), lambda data: data["seats"]["confirmed"] == 1)
    assert (await visitor.get(f"/i/{code}", if_none_match=page.headers["etag"])).status == 200


async def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_that_is_not_ours(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = a_shown_campaign()
    evil = '"><script>alert(1)</script>'
    texts = (domain.LocalizedText("en", evil, evil),)
    campaign = replace(campaign, presentation=replace(campaign.presentation, texts=texts, seller=evil))
    opened = await formation.open(await formation.create(campaign))
    code = await an_invite(formation, opened.team.team_id, label=evil, note=evil)
    page = await visitor.get(f"/i/{code}")
    assert "<script>" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "nonce" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in page.headers
    assert "server" not in page.headers
    script = page.text.split('src="')[1].split('"')[0]
    assert (await visitor.get(script)).headers["cache-control"].endswith("immutable")


async def test_unknown_and_revoked_links_are_one_page(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    invite_id = await formation.invite(opened.team.team_id)
    code = formation.codes.code(invite_id)
    assert (await visitor.get(f"/i/{code}")).status == 200
    await formation.revoke(opened.team.team_id, invite_id)
    revoked = await becomes(lambda: visitor.get(f"/i/{code}"), lambda page: page.status == 404, seconds=5)
    unknown = await visitor.get("/i/AAAAAAAAAAAA")
    nonsense = await visitor.get("/i/..%2f..%2fetc")
    assert revoked.body == unknown.body
    same = {name: value for name, value in revoked.headers.items() if name.lower() != "date"}
    assert same == {name: value for name, value in unknown.headers.items() if name.lower() != "date"}
    assert unknown.status == nonsense.status == 404
    assert "This link leads nowhere" in unknown.text
    for path in ("/i/AAAAAAAAAAAA.json", "/i/AAAAAAAAAAAA/events", "/i/AAAAAAAAAAAA/qr.svg", "/elsewhere"):
        assert (await visitor.get(path)).status == 404


async def test_who_guesses_is_slowed_and_whoever_shares_the_address_of_a_crowd_is_not(
    formation: Formation, visitor: Visitor
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    for _ in range(3 * BURST):
        assert (await visitor.get(f"/i/{code}")).status == 200
    statuses = [(await visitor.get(f"/i/{at:012d}")).status for at in range(BURST + 5)]
    assert statuses[:BURST] == [404] * BURST
    assert 429 in statuses[BURST:]
    assert (await visitor.get(f"/i/{code}")).status == 200  # it is known here, and costs no look
    other = await an_invite(formation, opened.team.team_id)
    assert (await visitor.get(f"/i/{other}")).status == 429


async def test_a_crowd_that_opens_a_link_that_was_taken_back_is_not_taken_for_guessing(
    formation: Formation, visitor: Visitor
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    invite_id = await formation.invite(opened.team.team_id)
    await formation.revoke(opened.team.team_id, invite_id)
    code = formation.codes.code(invite_id)
    assert {(await visitor.get(f"/i/{code}")).status for _ in range(2 * BURST)} == {404}
    other = await an_invite(formation, opened.team.team_id)
    assert (await visitor.get(f"/i/{other}")).status == 200


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        ("formed", "This team is complete"),
        ("failed", "This team did not come about"),
        ("cancelled", "This team was called off"),
    ],
)
async def test_an_ended_team_has_a_friendly_page(
    formation: Formation, visitor: Visitor, clock: ManualClock, ended: str, says: str
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign(maximum=2)))
    code = await an_invite(formation, opened.team.team_id)
    assert (await visitor.get(f"/i/{code}")).status == 200
    if ended == "formed":
        await formation.confirm(opened.seat)
        await formation.confirm((await formation.join(opened.team.team_id, "lin")).seat)
    elif ended == "failed":
        clock.move(timedelta(hours=2))
        await formation.finder.run_once()
    else:
        await formation.cancel(opened.team.team_id)
    data = await becomes(lambda: visitor.data(code), lambda data: bool(data["heading"]))
    page = await visitor.get(f"/i/{code}")
    assert page.status == 200
    assert says in page.text
    assert data["action"] == "NONE"
    assert "/join" not in page.text
    assert ("€34.90" in page.text) == (ended == "formed")


async def test_a_full_team_says_what_is_not_paid_and_when_a_place_may_become_free(
    formation: Formation, visitor: Visitor
) -> None:
    opened = await formation.open(
        await formation.create(a_shown_campaign(maximum=2, rules={"on_full": domain.OnFull.WAITLIST}))
    )
    await formation.confirm(opened.seat)
    await formation.join(opened.team.team_id, "lin")
    code = await an_invite(formation, opened.team.team_id)
    data = await visitor.data(code)
    assert data["action"] == "WAIT"
    assert data["action_text"] == "Join the waitlist"
    assert data["seats"]["notes"] == [
        "This team is full.",
        "1 place is not paid yet; the next may become free Nov 21, 8:10\u202fPM (Shanghai).",
    ]
    assert data["line"].startswith("Members pay €39.90 as it stands")
    assert data["alone_url"] == "https://shop.example/buy"


@pytest.mark.parametrize(
    ("mode", "line", "certainty"),
    [
        (
            domain.PaymentMode.COMMIT,
            "You pay €39.90 once the team is complete, never more",
            "else nobody owes anything.",
        ),
        (domain.PaymentMode.HOLD, "€39.90 is reserved now, and you never pay more", "else nothing is charged."),
        (domain.PaymentMode.PREPAID, "You pay €39.90 now, never more", "else everything is refunded."),
        (domain.PaymentMode.PAY_ON_DELIVERY, "You pay €39.90 at the door, never more", "else nobody owes anything."),
    ],
)
async def test_the_first_line_is_worded_by_payment_mode(
    formation: Formation, visitor: Visitor, mode: domain.PaymentMode, line: str, certainty: str
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign(payment_mode=mode)))
    data = await visitor.data(await an_invite(formation, opened.team.team_id))
    assert data["line"].startswith(line)
    assert data["certainty"].endswith(certainty)


async def test_a_commission_is_disclosed_and_a_sponsored_place_is_labelled(
    formation: Formation, visitor: Visitor
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign(rules={"max_sponsored": 2})))
    await formation.confirm(opened.seat)
    await formation.sponsor(opened.team.team_id, 1)
    code = await an_invite(formation, opened.team.team_id, commission_basis_points=500)
    page = await visitor.get(f"/i/{code}")
    assert "Advertising: the sender earns a commission." in page.text
    assert "1 place is filled by the seller, to complete the team" in page.text


async def test_an_invite_that_is_used_up_or_expired_shows_the_team_without_a_way_in(
    formation: Formation, visitor: Visitor, clock: ManualClock
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id, expires_at=clock.now() + timedelta(minutes=5))
    assert (await visitor.data(code))["action"] == "JOIN"
    clock.move(timedelta(minutes=6))
    page = await visitor.get(f"/i/{code}")
    assert page.status == 200
    assert "This invitation has expired; ask for a new one." in page.text
    assert "/join" not in page.text


async def test_data_waits_for_news_and_is_never_older_than_what_was_seen(
    formation: Formation, visitor: Visitor
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    first = await visitor.data(code)
    waiting = asyncio.create_task(visitor.data(code, first["version"]))
    await until(lambda: visitor.web.watch.teams.readers == 2)  # the page is followed, and somebody waits
    await formation.confirm(opened.seat)
    newer = await waiting
    assert newer["seats"]["confirmed"] == 1
    assert (await visitor.data(code, first["version"]))["version"] == newer["version"]
    assert (await visitor.data(code, "nonsense"))["version"] == newer["version"]


async def test_events_bring_the_page_each_time_that_it_changes_and_end_with_the_team(
    formation: Formation, visitor: Visitor
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign(maximum=2)))
    code = await an_invite(formation, opened.team.team_id)
    async with visitor.session.get(f"{visitor.origin}/i/{code}/events") as stream:
        events = _events(stream)
        assert (await anext(events))[0] == "time"
        name, page = await anext(events)
        assert name == "page"
        assert "0 of 2 have joined" in json.loads(page)
        await formation.confirm(opened.seat)
        await formation.confirm((await formation.join(opened.team.team_id, "lin")).seat)
        seen = [event async for event in events]
    assert seen[-1][0] == "end"
    assert "This team is complete" in json.loads(seen[-2][1])


async def _events(stream: aiohttp.ClientResponse) -> Any:
    """Read events with their names."""
    name = ""
    async for line in stream.content:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data" or field.startswith("data"):
            yield name, value


async def test_a_change_of_the_campaign_changes_its_pages(formation: Formation, visitor: Visitor) -> None:
    campaign = await formation.create(a_shown_campaign())
    opened = await formation.open(campaign)
    code = await an_invite(formation, opened.team.team_id)
    assert (await visitor.data(code))["action"] == "JOIN"
    await formation.change(campaign, domain.Pause())
    data = await becomes(lambda: visitor.data(code), lambda data: data["action"] == "NONE")
    assert data["certainty"].startswith("The seller has stopped this campaign")


async def test_a_page_says_why_its_seller_is_suspended(formation: Formation, visitor: Visitor) -> None:
    campaign = await formation.create(a_shown_campaign())
    opened = await formation.open(campaign)
    code = await an_invite(formation, opened.team.team_id)
    await formation.change(campaign, domain.TellOfMerchant("It <did> not deliver."))
    data = await becomes(lambda: visitor.data(code), lambda data: data["action"] == "NONE")
    assert data["certainty"].endswith("nobody can join now. Why: It <did> not deliver.")
    assert "It &lt;did&gt; not deliver." in (await visitor.get(f"/i/{code}")).text
    await formation.change(campaign, domain.TellOfMerchant(""))
    await becomes(lambda: visitor.data(code), lambda data: data["action"] == "JOIN")


async def test_people_are_counted_and_programs_are_not(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    for agent in (PERSON, "TelegramBot (like TwitterBot)", "Slackbot-LinkExpanding 1.0", "facebookexternalhit/1.1", ""):
        await visitor.get(f"/i/{code}", user_agent=agent)
    await visitor.get(f"/i/{code}", sec_purpose="prefetch;prerender")
    await visitor.get(f"/i/{code}")
    await visitor.web.opens.run_once()
    assert await formation.rows("SELECT opened FROM invite_opens") == [(2,)]


async def test_only_the_pages_of_allowed_origins_read_the_data(formation: Formation) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    async with a_web_edge(formation, web_origins="https://shop.example") as visitor:
        allowed = await visitor.get(f"/i/{code}.json", origin="https://shop.example")
        refused = await visitor.get(f"/i/{code}.json", origin="https://evil.example")
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-origin" not in refused.headers


async def test_a_qr_code_is_the_links(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    drawn = await visitor.get(f"/i/{code}/qr.svg")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in drawn.body


async def test_the_join_button_hands_over_to_the_checkout_with_a_token_of_its_own(
    formation: Formation, visitor: Visitor, clock: ManualClock
) -> None:
    campaign = await formation.create(a_shown_campaign())
    opened = await formation.open(campaign)
    code = await an_invite(formation, opened.team.team_id)
    answers = [await visitor.get(f"/i/{code}/join?sku={sku}") for sku in ("mango", "nothing", "")]
    assert [answer.status for answer in answers] == [303] * 3
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    read = []
    for answer in answers:
        address, _, token = answer.headers["location"].partition("?handover=")
        assert address == "https://shop.example/buy"
        read.append(tokens().read(token, PLATFORM, clock.now()))
    assert all(isinstance(item, Verified) for item in read)
    verified = [item for item in read if isinstance(item, Verified)]
    assert len({item.token_id for item in verified}) == 3
    assert [item.handover.sku for item in verified] == ["mango", "", ""]
    assert {(item.handover.team_id, item.handover.invite_code) for item in verified} == {(opened.team.team_id, code)}
    assert verified[0].handover.return_url == formation.codes.url(code)
    assert await formation.rows("SELECT count(*) FROM seats") == [(1,)]


async def test_nobody_is_handed_over_where_there_is_no_way_in(formation: Formation, visitor: Visitor) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    await formation.cancel(opened.team.team_id)
    answer = await becomes(
        lambda: visitor.get(f"/i/{code}/join"), lambda answer: answer.headers["location"] == f"/i/{code}"
    )
    assert answer.status == 303


async def test_without_a_key_the_page_gives_the_code_for_the_shops_app(formation: Formation) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    async with a_web_edge(formation, tokens=HandoverTokens(None, PUBLIC_URL)) as visitor:
        assert f"Join in the shop&#39;s app with the code {code}" in (await visitor.get(f"/i/{code}")).text
        assert (await visitor.get(f"/i/{code}/join")).headers["location"] == f"/i/{code}"
        assert json.loads((await visitor.get("/.well-known/jwks.json")).body) == {"keys": []}


async def test_the_keys_of_tokens_are_published(visitor: Visitor) -> None:
    published = await visitor.get("/.well-known/jwks.json")
    assert published.body == tokens().jwks()
    assert published.headers["cache-control"] == "public, max-age=3600"


async def test_the_preview_picture_has_what_stays_true_and_the_page_names_it(
    formation: Formation, visitor: Visitor
) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    page = await visitor.get(f"/i/{code}", "zh-CN")
    address = html.unescape(page.text.split('property="og:image" content="')[1].split('"')[0])
    assert address == f"{formation.codes.url(code)}/picture?lang=zh-Hans&v=1"
    wide = await visitor.get(f"/i/{code}/picture?lang=zh-Hans&v=1")
    square = await visitor.get(f"/i/{code}/square")
    assert wide.headers["content-type"] == square.headers["content-type"] == "image/png"
    assert (len(wide.body) < 300_000, len(square.body) <= 32_768) == (True, True)
    assert Image.open(io.BytesIO(wide.body)).size == (1200, 630)
    assert Image.open(io.BytesIO(square.body)).size == (600, 600)
    await formation.confirm(opened.seat)
    await becomes(lambda: visitor.data(code), lambda data: data["seats"]["confirmed"] == 1)
    again = await visitor.get(f"/i/{code}/picture?lang=zh-Hans&v=1", if_none_match=wide.headers["etag"])
    assert again.status == 304


async def test_what_is_sold_out_is_said_and_not_to_be_joined(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.team_formation.web.shown.LOOK_SECONDS", 0.2)
    campaign = await formation.create(a_shown_campaign(stock=2))
    opened = await formation.open(campaign)
    code = await an_invite(formation, opened.team.team_id)
    assert (await visitor.data(code))["action"] == "JOIN"
    other = await formation.open(campaign, "lin")  # another team takes the last one
    gone = await becomes(lambda: visitor.data(code), lambda data: data["action"] == "NONE")
    assert (gone["action_text"], gone["action_url"]) == ("Sold out for now", "")
    assert (await visitor.get(f"/i/{code}/join")).headers["location"] == f"/i/{code}"
    await formation.leave(other.seat)
    await becomes(lambda: visitor.data(code), lambda data: data["action"] == "JOIN")


async def test_of_several_items_each_has_its_own_price_and_way_in(formation: Formation, visitor: Visitor) -> None:
    campaign = a_shown_campaign()
    steps = (domain.PriceStep(0, 9_900), domain.PriceStep(2, 7_900, 1))
    rows = (*campaign.terms.price_table.rows, *(domain.PriceRow("pa paya", role, steps) for role in domain.Role))
    items = (*campaign.terms.items, domain.Item("pa paya", 9_900))
    table = replace(campaign.terms.price_table, rows=rows)
    campaign = replace(campaign, terms=replace(campaign.terms, price_table=table, items=items))
    opened = await formation.open(await formation.create(campaign))
    code = await an_invite(formation, opened.team.team_id)
    data = await visitor.data(code)
    assert data["line"].startswith("Prices from €39.90; what an item costs when you join is the most")
    assert (data["action_text"], data["action_url"]) == ("Choose what you want below", "")
    assert [(item["sku"], item["join_text"]) for item in data["items"]] == [
        ("mango", "Join for €39.90"),
        ("pa paya", "Join for €99.00"),
    ]
    page = await visitor.get(f"/i/{code}")
    assert f'href="/i/{code}/join?sku=pa%20paya"' in page.text
    token = (await visitor.get(f"/i/{code}/join?sku=pa%20paya")).headers["location"].partition("handover=")[2]
    read = tokens().read(token, PLATFORM, formation.clock.now())
    assert isinstance(read, Verified)
    assert read.handover.sku == "pa paya"


async def test_who_may_join_is_said(formation: Formation, visitor: Visitor) -> None:
    who = domain.WhoMayJoin(tags=("vip", "staff"), old_brings_new=True, match_key_needed=True)
    campaign = await formation.create(a_shown_campaign(rules={"who_may_join": who}))
    asserted = domain.Asserted(newcomer=False, tags=frozenset({"vip"}), match_key="Pier 7")
    opened = await formation.open(campaign, asserted=asserted)
    data = await visitor.data(await an_invite(formation, opened.team.team_id))
    assert data["conditions"] == [
        "Whoever joins must be new at this shop.",
        "Only for: vip, staff.",
        "Only for those with the same choice: Pier 7.",
    ]
