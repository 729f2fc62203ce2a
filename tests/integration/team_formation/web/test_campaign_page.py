"""Campaign pages and screens over HTTP: every state, the teams that are listed, and what is handed over."""

import asyncio
import gzip
import html
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from PIL import Image

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.team_formation import domain, translate
from services.team_formation.handover import Handover, HandoverTokens, Verified
from services.team_formation.web.guesses import BURST
from tests.support.formation import OTHER_PLATFORM, PLATFORM, PUBLIC_URL, START, Formation
from tests.support.handing_over import tokens
from tests.support.tallies import tally
from tests.support.until import until
from tests.support.web import Visitor, a_shown_campaign, a_web_edge, becomes, code_of

LIMIT = 14 * 1024
LISTED = {"visibility": domain.Visibility.LISTED}


@pytest.fixture
async def visitor(formation: Formation) -> Any:
    """A visitor of a running web edge."""
    async with a_web_edge(formation) as someone:
        yield someone


async def look(visitor: Visitor, campaign: domain.Campaign, after: str = "") -> Any:
    """Read all that a campaign's page says."""
    query = f"?after={after}" if after else ""
    answer = await visitor.get(f"/c/{code_of(campaign)}.json{query}")
    assert answer.status == 200
    return json.loads(answer.body)


async def handed(visitor: Visitor, path: str, clock: ManualClock) -> Verified:
    """Follow a way to the checkout and read the token that it leads there with."""
    answer = await visitor.get(path)
    assert (answer.status, answer.headers["cache-control"]) == (303, "no-store")
    address = urlsplit(answer.headers["location"])
    assert (address.netloc, address.path) == ("shop.example", "/buy")
    read = tokens().read(parse_qs(address.query)["handover"][0], PLATFORM, clock.now())
    assert isinstance(read, Verified)
    return read


def on(campaign: domain.Campaign, **changes: Any) -> domain.Campaign:
    """Change a campaign that is to be stored."""
    return replace(campaign, **changes)


async def test_a_running_campaign_says_what_it_costs_and_how_a_team_begins(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = await formation.create(a_shown_campaign(stock=7, rules=LISTED))
    page = await visitor.get(f"/c/{code_of(campaign)}")
    assert page.status == 200
    assert "down to €24.90 with 5 members" in page.text
    assert "alone €39.90" in page.text
    assert "Open a team for €39.90" in page.text
    assert "You pay €39.90 now, never more." in page.text
    assert "Buy alone for €39.90" in page.text
    assert "7 left" in page.text
    assert "No team is listed right now" in page.text
    data = await look(visitor, campaign)
    assert (data["state"], data["action"], data["joined"], data["teams"]) == ("RUNNING", "OPEN", 0, [])
    assert (data["price"]["alone"], data["price"]["lowest"], data["price"]["lowest_at"]) == (3990, 2490, 5)


async def test_before_the_start_it_counts_down_and_leads_to_the_shop_for_a_reminder(
    formation: Formation, visitor: Visitor, clock: ManualClock
) -> None:
    starts_at = START + timedelta(hours=2)
    campaign = await formation.create(on(a_shown_campaign(), starts_at=starts_at))
    page = await visitor.get(f"/c/{code_of(campaign)}")
    assert "Starts Nov 21, 10:00\u202fPM (Shanghai)" in page.text
    assert f'data-ends="{int(starts_at.timestamp() * 1000)}"' in page.text
    assert "Remind me in the shop" in page.text
    said = (await handed(visitor, f"/c/{code_of(campaign)}/open", clock)).handover
    assert (said.team_id, said.invite_code) == ("", "")
    data = await look(visitor, campaign)
    assert (data["state"], data["action"], data["alone_url"]) == ("SCHEDULED", "REMIND", "")
    clock.move(timedelta(hours=3))
    async with a_web_edge(formation) as later:
        assert (await look(later, campaign))["state"] == "RUNNING"


@pytest.mark.parametrize(
    ("command", "state", "heading"),
    [
        (domain.Pause(), "PAUSED", "A short break"),
        (domain.TellOfMerchant("It did not deliver."), "PAUSED", "A stop"),
        (domain.GiveUp(), "CANCELLED", "This campaign was called off"),
    ],
)
async def test_what_the_seller_stops_is_a_friendly_page_with_no_way_in(
    formation: Formation, visitor: Visitor, command: domain.CampaignCommand, state: str, heading: str
) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED))
    opened = await formation.open(campaign)
    assert (await look(visitor, campaign))["state"] == "RUNNING"
    await formation.change(campaign, command)
    data = await becomes(lambda: look(visitor, campaign), lambda data: bool(data["state"] == state))
    assert (data["action"], data["teams"], data["alone_url"], data["heading"]) == ("NONE", [], "", heading)
    code = code_of(campaign)
    page = await visitor.get(f"/c/{code}")
    assert page.status == 200
    assert heading in page.text
    for path in (f"/c/{code}/open", f"/c/{code}/join/{opened.team.team_id}"):
        assert (await visitor.get(path)).headers["location"] == f"/c/{code}"
    assert heading in (await visitor.get(f"/live/{code}")).text


async def test_the_preview_picture_has_what_stays_true_and_the_page_names_it(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = await formation.create(a_shown_campaign())
    path, link = f"/c/{code_of(campaign)}", formation.codes.campaign(code_of(campaign))
    page = await visitor.get(path, "zh-CN")
    assert named(page.text) == f"{link}/picture?lang=zh-Hans&v=1"
    assert 'name="twitter:card" content="summary_large_image"' in page.text
    data = await look(visitor, campaign)
    assert (data["picture"], data["square"]) == (f"{link}/picture?lang=en&v=1", f"{link}/square?lang=en&v=1")
    wide, square = await visitor.get(f"{path}/picture?lang=zh-Hans&v=1"), await visitor.get(f"{path}/square")
    for drawn, size, most in ((wide, (1200, 630), 300_000), (square, (600, 600), 32_768)):
        assert (drawn.headers["content-type"], drawn.headers["cache-control"]) == (
            "image/png",
            "public, max-age=86400",
        )
        assert len(drawn.body) <= most
        assert Image.open(io.BytesIO(drawn.body)).size == size
    opened = await formation.open(campaign)
    await formation.confirm(opened.seat)
    await becomes(lambda: look(visitor, campaign), lambda data: bool(data["joined"] == 1))
    again = await visitor.get(f"{path}/picture?lang=zh-Hans&v=1", if_none_match=wide.headers["etag"])
    assert again.status == 304
    unknown = await visitor.get(f"/c/{code_of(campaign)[:-1]}/picture")
    assert unknown.status == 404


async def test_a_picture_of_another_start_has_another_address(
    formation: Formation, visitor: Visitor, clock: ManualClock
) -> None:
    campaign = await formation.create(on(a_shown_campaign(), starts_at=START + timedelta(hours=2)))
    path = f"/c/{code_of(campaign)}"
    first = named((await visitor.get(path)).text)
    assert first.endswith("/picture?lang=en&v=1.early")
    drawn = await visitor.get(f"{path}/picture")
    later = replace(campaign, starts_at=START + timedelta(hours=3))
    await formation.change(campaign, domain.Update(later, frozenset({"starts_at"})))
    moved = await becomes(lambda: visitor.get(path), lambda page: named(page.text) != first)
    assert named(moved.text).endswith("v=2.early")
    redrawn = await visitor.get(f"{path}/picture")
    assert redrawn.headers["etag"] != drawn.headers["etag"]
    clock.move(timedelta(hours=4))
    async with a_web_edge(formation) as after:
        assert named((await after.get(path)).text).endswith("v=2")
        assert (await after.get(f"{path}/picture")).headers["etag"] != redrawn.headers["etag"]


def named(page: str) -> str:
    """Read which picture a page names."""
    return html.unescape(page.split('property="og:image" content="')[1].split('"', maxsplit=1)[0])


async def test_an_ended_campaign_is_a_friendly_page(formation: Formation, clock: ManualClock) -> None:
    campaign = await formation.create(a_shown_campaign())
    clock.move(timedelta(days=2))
    async with a_web_edge(formation) as visitor:
        page = await visitor.get(f"/c/{code_of(campaign)}")
        assert page.status == 200
        assert "This campaign is over" in page.text
        assert "/open" not in page.text


async def test_what_is_sold_out_says_so_until_something_is_free_again(formation: Formation, visitor: Visitor) -> None:
    campaign = await formation.create(a_shown_campaign(stock=1, rules=LISTED))
    opened = await formation.open(campaign)
    data = await look(visitor, campaign)
    assert (data["heading"], data["action"], data["teams"]) == ("Sold out for now", "NONE", [])
    await formation.leave(opened.seat)
    data = await becomes(lambda: look(visitor, campaign), lambda data: bool(data["action"] == "OPEN"))
    assert data["stock"] == [{"sku": "mango", "left": 1, "text": "1 left"}]


async def test_unknown_campaigns_and_drafts_are_the_page_of_unknown_links(
    formation: Formation, visitor: Visitor
) -> None:
    draft = await formation.create(on(a_shown_campaign(), phase=domain.Phase.DRAFT))
    nobody = ids.opaque("camp", ids.new_id()).removeprefix("camp_")
    answers = [await visitor.get(f"/i/{'A' * 12}")]
    for code in (code_of(draft), nobody, "nonsense"):
        answers += [await visitor.get(path) for path in (f"/c/{code}", f"/live/{code}")]
        assert (await visitor.get(f"/c/{code}.json")).body == b'{"error": "unknown"}'
    assert {answer.status for answer in answers} == {404}
    assert len({answer.body for answer in answers}) == 1
    told = [{name: value for name, value in seen.headers.items() if name.lower() != "date"} for seen in answers]
    assert all(headers == told[0] for headers in told)
    await formation.change(draft, domain.Publish())
    assert (await becomes(lambda: visitor.get(f"/c/{code_of(draft)}"), lambda page: page.status == 200)).status == 200


async def test_guesses_of_invites_and_campaigns_are_counted_together(formation: Formation, visitor: Visitor) -> None:
    draft = await formation.create(on(a_shown_campaign(), phase=domain.Phase.DRAFT))
    for at in range(BURST):
        path = (f"/i/{'A' * 12}", f"/c/{code_of(draft)}", "/live/nonsense")[at % 3]
        assert (await visitor.get(path)).status == 404
    assert (await visitor.get("/c/nonsense")).status == 429


async def test_listed_teams_that_miss_least_come_first_and_nothing_else_is_listed(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = await formation.create(a_shown_campaign(minimum=4, rules=LISTED))
    teams = [await formation.open(campaign, f"m{at}") for at in range(12)]
    for joined, at in ((2, 7), (1, 3)):
        await formation.confirm(teams[at].seat)
        for member in range(joined):
            seat = (await formation.join(teams[at].team.team_id, f"f{at}-{member}")).seat
            await formation.confirm(seat)
    other = await formation.create(a_shown_campaign(rules=LISTED))
    await formation.open(other, "zoe")
    data = await look(visitor, campaign)
    listed = [team["team_id"] for team in data["teams"]]
    assert len(listed) == 10
    assert listed[:2] == [teams[7].team.team_id, teams[3].team.team_id]
    assert [(team["confirmed"], team["missing"], team["now"]) for team in data["teams"][:3]] == [
        (3, 1, 2990),
        (2, 2, 2990),
        (0, 4, 3990),
    ]
    assert (data["price"]["now"], data["joined"], data["fill"]) == (2990, 5, 3)
    page = (await visitor.get(f"/c/{code_of(campaign)}")).text
    assert page.index("3 of 5 have joined") < page.index("2 of 5 have joined")
    assert "1 more is needed" in page


async def test_certain_teams_with_room_are_listed_and_leave_room_for_those_that_miss_some(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED))
    opened = [await formation.open(campaign, f"m{at}") for at in range(8)]
    for at in range(7):
        await formation.confirm(opened[at].seat)
        await formation.confirm((await formation.join(opened[at].team.team_id, f"f{at}")).seat)
    data = await look(visitor, campaign)
    assert [team["missing"] for team in data["teams"]] == [0] * 5 + [2]
    assert data["teams"][0]["missing_text"] == "Certain now"
    assert data["price"]["now"] == 2990
    code = code_of(campaign)
    answer = await visitor.get(f"/c/{code}/join/{opened[6].team.team_id}")  # certain, and not one of those shown
    assert "handover=" in answer.headers["location"]


async def test_teams_that_only_a_link_leads_to_are_neither_listed_nor_joined_here(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = await formation.create(a_shown_campaign())
    opened = await formation.open(campaign)
    assert (await look(visitor, campaign))["teams"] == []
    code = code_of(campaign)
    answer = await visitor.get(f"/c/{code}/join/{opened.team.team_id}")
    assert answer.headers["location"] == f"/c/{code}"


async def test_teams_of_a_neighbourhood_are_for_the_shop_to_offer(formation: Formation, visitor: Visitor) -> None:
    needed = domain.WhoMayJoin(match_key_needed=True)
    campaign = await formation.create(a_shown_campaign(rules=LISTED | {"who_may_join": needed}))
    opened = await formation.open(campaign, asserted=domain.Asserted(match_key="gate-5"))
    assert (await look(visitor, campaign))["teams"] == []
    code = code_of(campaign)
    answer = await visitor.get(f"/c/{code}/join/{opened.team.team_id}")
    assert answer.headers["location"] == f"/c/{code}"


async def test_both_kinds_of_hand_over_name_no_invite_and_one_names_the_team(
    formation: Formation, visitor: Visitor, clock: ManualClock
) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED))
    opened = await formation.open(campaign)
    code = code_of(campaign)
    [team] = (await look(visitor, campaign))["teams"]
    to_open = await handed(visitor, f"/c/{code}/open?sku=mango", clock)
    to_join = await handed(visitor, team["join_url"] + "?sku=nothing", clock)
    named = translate.campaign_id(campaign.campaign_id)
    link = f"{PUBLIC_URL}/c/{code}"
    assert to_open.handover == Handover(named, "", "", "mango", link)
    assert to_join.handover == Handover(named, opened.team.team_id, "", "", link)
    assert to_open.token_id != to_join.token_id
    assert await formation.rows("SELECT count(*) FROM seats") == [(1,)]


async def test_teams_of_others_cannot_be_joined_from_a_page(formation: Formation, visitor: Visitor) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED))
    other = await formation.create(a_shown_campaign(rules=LISTED))
    theirs = await formation.create(a_shown_campaign(rules=LISTED, platform_id=OTHER_PLATFORM))
    elsewhere = await formation.open(other)
    code = code_of(campaign)
    unknown = [translate.team_id(one.campaign_id, ids.new_id()) for one in (campaign, theirs)]
    for team in (elsewhere.team.team_id, *unknown, "nonsense"):
        assert (await visitor.get(f"/c/{code}/join/{team}")).headers["location"] == f"/c/{code}"
    assert (await look(visitor, theirs))["teams"] == []


async def test_without_a_key_or_a_checkout_the_shops_app_is_named(formation: Formation) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED))
    await formation.open(campaign)
    async with a_web_edge(formation, tokens=HandoverTokens(None, PUBLIC_URL)) as visitor:
        page = await visitor.get(f"/c/{code_of(campaign)}")
        assert "Open a team or join one in the shop&#39;s app" in page.text
        assert f"/c/{code_of(campaign)}/join/" not in page.text
        assert (await visitor.get(f"/c/{code_of(campaign)}/open")).headers["location"] == f"/c/{code_of(campaign)}"


async def test_a_full_page_fits_in_every_language_and_needs_no_script(formation: Formation, visitor: Visitor) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED | {"max_sponsored": 2}, maximum=20, stock=900))
    for at in range(11):
        opened = await formation.open(campaign, f"m{at}")
        await formation.join(opened.team.team_id, f"f{at}")
    for language in ("en", "zh-Hans", "es", "ar"):
        page = await visitor.get(f"/c/{code_of(campaign)}", language)
        assert len(gzip.compress(page.body)) <= LIMIT
        assert page.text.count("<script") == 1
        assert page.text.count('class="take') == 10
        assert "http://" not in page.text.replace("http://www.w3.org", "")
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in page.text
        assert "unsafe" not in page.headers["content-security-policy"]
        assert (
            await visitor.get(f"/c/{code_of(campaign)}", language, if_none_match=page.headers["etag"])
        ).status == 304
        screen = await visitor.get(f"/live/{code_of(campaign)}?lang={language}", "en")
        assert len(gzip.compress(screen.body)) <= LIMIT
        assert f'<html lang="{language}"' in screen.text
        for script in screen.text.split('src="')[1:3]:
            assert (await visitor.get(script.split('"')[0])).headers["cache-control"].endswith("immutable")


async def test_a_places_names_are_text_and_nothing_else(formation: Formation, visitor: Visitor) -> None:
    evil = '"><script>alert(1)</script>'
    campaign = a_shown_campaign(rules=LISTED)
    shown = replace(campaign.presentation, texts=(domain.LocalizedText("en", evil, evil),), seller=evil)
    campaign = await formation.create(replace(campaign, presentation=shown))
    for path in (f"/c/{code_of(campaign)}", f"/live/{code_of(campaign)}"):
        assert "<script>" not in (await visitor.get(path)).text


async def test_data_waits_for_news_and_is_never_older_than_what_was_seen(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED))
    first = await look(visitor, campaign)
    waiting = asyncio.create_task(look(visitor, campaign, first["version"]))
    await until(lambda: visitor.web.watch.campaigns.readers == 2)
    opened = await formation.open(campaign)
    newer = await waiting
    assert [team["team_id"] for team in newer["teams"]] == [opened.team.team_id]
    assert (await look(visitor, campaign, "nonsense"))["version"] == newer["version"]


@pytest.mark.parametrize("kind", ["c", "live"])
async def test_events_bring_page_and_screen_each_time_that_they_change(
    formation: Formation, visitor: Visitor, kind: str
) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED))
    async with visitor.session.get(f"{visitor.origin}/{kind}/{code_of(campaign)}/events?lang=en") as stream:
        events = _events(stream)
        name, now = await anext(events)
        assert (name, int(now)) == ("time", int(START.timestamp() * 1000))
        assert (await anext(events))[0] == "page"
        opened = await formation.open(campaign)
        await formation.confirm(opened.seat)
        expected = 'data-count="1"' if kind == "live" else "1 has joined so far"
        async with asyncio.timeout(20):
            while expected not in json.loads((await anext(events))[1]):
                pass
        await formation.change(campaign, domain.GiveUp())
        await formation.sweeper.run_once()
        seen = [event async for event in events]
    assert seen[-1][0] == "end"
    assert "This campaign was called off" in json.loads(seen[-2][1])


async def _events(stream: aiohttp.ClientResponse) -> Any:
    """Read events with their names."""
    name = ""
    async for line in stream.content:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field.startswith("data"):
            yield name, value


async def test_however_many_screens_look_a_campaign_is_counted_once_a_second_at_most(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED, maximum=100))
    counts = 0
    load = visitor.web.watch.campaigns._load

    async def counting(names: Any) -> Any:
        nonlocal counts
        counts += 1
        return await load(names)

    monkeypatch.setattr(visitor.web.watch.campaigns, "_load", counting)
    opened = await formation.open(campaign)
    path = f"{visitor.origin}/live/{code_of(campaign)}/events"
    begun = asyncio.get_running_loop().time()

    async def watch(until_seen: str) -> None:
        async with visitor.session.get(path) as stream:
            async for name, data in _events(stream):
                if name == "page" and until_seen in json.loads(data):
                    return

    screens = [asyncio.create_task(watch('data-count="30"')) for _ in range(40)]
    seats = [opened.seat, *[(await formation.join(opened.team.team_id, f"m{at}")).seat for at in range(29)]]
    for seat in seats:
        await formation.confirm(seat)
    async with asyncio.timeout(30):
        await asyncio.gather(*screens)
    took = asyncio.get_running_loop().time() - begun
    assert counts <= took + 2  # one at the beginning, then one in each second of rest


async def test_a_ladder_of_the_whole_campaign_shows_what_everybody_has_bought(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = await formation.create(a_shown_campaign(basis=domain.Basis.CAMPAIGN_UNITS, rules=LISTED))
    opened = await formation.open(campaign, quantity=2)
    await formation.confirm(opened.seat)
    await tally(formation, campaign, 1, 2)
    data = await becomes(lambda: look(visitor, campaign), lambda data: bool(data["fill"] == 2))
    assert (data["price"]["opening"], data["price"]["now"]) == (2990, 2990)
    assert [step["is_current"] for step in data["ladder"]] == [False, True, False, False]
    await tally(formation, campaign, 2, 3)  # nothing of the campaign's own has changed
    data = await becomes(lambda: look(visitor, campaign), lambda data: bool(data["fill"] == 3))
    assert '<p class="label">3 bought by everybody</p>' in (await visitor.get(f"/live/{code_of(campaign)}")).text


async def test_places_that_the_seller_fills_are_said_and_are_nobody_who_joined(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = await formation.create(a_shown_campaign(minimum=4, rules=LISTED | {"max_sponsored": 2}))
    opened = await formation.open(campaign)
    await formation.confirm(opened.seat)
    await formation.sponsor(opened.team.team_id, 1)
    data = await look(visitor, campaign)
    assert data["joined"] == 1
    assert data["teams"][0]["notes"] == ["1 place is filled by the seller, to complete the team"]


async def test_a_screen_has_a_way_to_the_page_and_a_clear_background_where_asked(
    formation: Formation, visitor: Visitor
) -> None:
    campaign = await formation.create(a_shown_campaign(rules=LISTED, stock=9))
    code = code_of(campaign)
    plain, clear = [await visitor.get(f"/live/{code}{query}") for query in ("", "?background=none")]
    assert '<body class="clear">' in clear.text
    assert '<body class="clear">' not in plain.text
    assert f'src="/c/{code}/qr.svg"' in plain.text
    assert "These numbers stand still" in plain.text
    assert "9 left" in plain.text
    drawn = await visitor.get(f"/c/{code}/qr.svg")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "immutable" in drawn.headers["cache-control"]
