"""A promoter's own pages over HTTP: what its links brought, what it earns, whose they are, and links taken back."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from groupbuy.team_formation.v1 import promoter_links_pb2 as pb

from services.chassis.clock import ManualClock
from services.team_formation import translate
from services.team_formation.commissions import Commission
from services.team_formation.signed_links import MemberLinks, PromoterLinks
from services.team_formation.store import promoter_links as shelf
from services.team_formation.store.reports import report_newest
from services.team_formation.web import promoter_numbers
from services.team_formation.web.promoter_numbers import MOST_ASK
from tests.support.formation import OTHER_PLATFORM, PLATFORM, PUBLIC_URL, Formation
from tests.support.partitioned import Statement, recorded
from tests.support.shop_api import Api, refused
from tests.support.until import until
from tests.support.web import Visitor, a_shown_campaign, a_web_edge, an_invite, becomes, code_of

LINKS = PromoterLinks("a secret of tests", PUBLIC_URL)
LIMIT = 14 * 1024
EARNS = 500


class Settled:
    """Pricing as it answers the page: what a test says was settled, or nothing."""

    def __init__(self) -> None:
        self.sums: Mapping[UUID, Commission] | None = {}
        self.asked: list[tuple[UUID, str]] = []

    async def of(self, platform_id: UUID, promoter: str, campaigns: Sequence[UUID]) -> Mapping[UUID, Commission] | None:
        """Answer for the campaigns that are asked for."""
        self.asked.append((platform_id, promoter))
        return None if self.sums is None else {one: self.sums.get(one, Commission()) for one in campaigns}


@pytest.fixture
def settled() -> Settled:
    """What pricing knows."""
    return Settled()


@pytest.fixture
async def visitor(formation: Formation, settled: Settled, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Visitor]:
    """The pages' server, which counts anew at each look."""
    monkeypatch.setattr(promoter_numbers, "FRESH_SECONDS", 0.0)
    async with a_web_edge(formation, commissions=settled.of) as someone:
        yield someone


async def path_of(formation: Formation, promoter: str = "kol", platform_id: UUID = PLATFORM) -> str:
    """Give the path of a promoter's page, as GetPromoterLink does."""
    async with formation.database.work() as work:
        await shelf.add_link(work.connection, platform_id, promoter, uuid4(), formation.clock.now())
    async with formation.database.read() as connection:
        link_id, number = await shelf.find_link(connection, platform_id, promoter) or (UUID(int=0), 0)
    return LINKS.url(platform_id, link_id, number).removeprefix(PUBLIC_URL)


async def by_invite(formation: Formation, team_id: str, code: str, member: str, **changes: Any) -> Any:
    """Have a member join by an invite."""
    [(invite_id,)] = await formation.rows(
        "SELECT invite_id FROM invite_codes WHERE code_hash = sha256(%s)", code.encode()
    )
    return (await formation.join(team_id, member, invite_id=invite_id, **changes)).seat


def figures(page: str, part: str) -> dict[str, str]:
    """Read the numbers of a part of a page."""
    body = page.split(f'data-live="{part}"')[1].split("</dl>", maxsplit=1)[0]
    rows = [row.split("</dd>")[0].split("</dt><dd>") for row in body.split("<dt>")[1:]]
    return {label: value for label, value in rows}  # noqa: C416 - rows are lists


async def test_a_campaigns_page_says_what_the_links_brought_and_what_they_earn(
    formation: Formation, visitor: Visitor, settled: Settled
) -> None:
    campaign = await formation.create(a_shown_campaign(maximum=3))
    opened = await formation.open(campaign, "member-mei")
    team = opened.team.team_id
    code = await an_invite(formation, team, commission_basis_points=EARNS, note="For my followers")
    await formation.confirm(opened.seat)
    await formation.confirm(await by_invite(formation, team, code, "member-tom", quantity=2))
    assert (await visitor.get(f"/i/{code}")).status == 200
    await visitor.web.opens.run_once()
    path = f"{await path_of(formation)}/{code_of(campaign)}"
    page = await visitor.get(path)
    assert (page.status, page.headers["cache-control"]) == (200, "no-store")
    assert "noindex" in page.headers["x-robots-tag"]
    assert figures(page.text, "figures") == {
        "Opened": "1",
        "Joined": "1",
        "Confirmed": "1",
        "In complete teams": "0",
        "Sold for": "€0.00",
        "Units sold": "0",
        "Not paid in time": "0",
        "Given back": "0",
    }
    assert figures(page.text, code)["Joined"] == "1"
    assert "About €3.50 more, if the teams under way are completed" in page.text  # 2 at 5% of 34.90, each rounded
    assert "5% of the price of each unit" in page.text
    assert "Counted Nov 21, 8:00:00\u202fPM (Shanghai)" in page.text
    assert formation.codes.url(code) in page.text
    assert f'src="/i/{code}/qr.svg"' in page.text
    assert "For my followers" in page.text
    assert "commission" in page.text.split('class="disclosure"')[1].split("</p>")[0]
    await formation.confirm((await formation.join(team, "member-ana")).seat)
    settled.sums = {campaign.campaign_id: Commission(450, 150)}
    formed = await visitor.get(path)
    assert figures(formed.text, "figures")["In complete teams"] == "1"
    assert figures(formed.text, "figures")["Sold for"] == "€59.80"
    assert "<strong>€3.00</strong>" in formed.text
    assert "Earned €4.50, of which €1.50 was taken back." in formed.text
    assert "more, if the teams" not in formed.text
    assert settled.asked[-1] == (PLATFORM, "kol")
    for private in ("member-", "kol", opened.seat.seat_id, team):
        assert private not in formed.text


async def test_where_pricing_is_away_the_rest_is_said(formation: Formation, visitor: Visitor, settled: Settled) -> None:
    campaign = await formation.create(a_shown_campaign())
    team = (await formation.open(campaign)).team.team_id
    await an_invite(formation, team, commission_basis_points=EARNS)
    settled.sums = None
    path = await path_of(formation)
    page = await visitor.get(f"{path}/{code_of(campaign)}")
    assert "cannot be read right now" in page.text
    assert "Your commission" not in (await visitor.get(path)).text


async def test_links_that_earn_nothing_have_no_commission(
    formation: Formation, visitor: Visitor, settled: Settled
) -> None:
    campaign = await formation.create(a_shown_campaign())
    await an_invite(formation, (await formation.open(campaign)).team.team_id)
    page = await visitor.get(f"{await path_of(formation)}/{code_of(campaign)}")
    assert page.status == 200
    assert "ommission" not in page.text.split("<main")[1]
    assert settled.asked == []


async def test_the_overview_has_the_newest_campaigns_first_and_says_where_older_ones_are(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promoter_numbers, "CAMPAIGNS", 2)
    campaigns = [await formation.create(a_shown_campaign()) for _ in range(3)]
    for campaign in campaigns:
        team = (await formation.open(campaign)).team.team_id
        for _ in range(2):
            await an_invite(formation, team)
        await an_invite(formation, team, promoter_id="other")
    await formation.create(a_shown_campaign())  # which it has no link to
    path = await path_of(formation)

    def listed(page: str) -> list[str]:
        return [part.split('"')[0] for part in page.split(f'href="{path}/')[1:]]

    first = await visitor.get(path)
    assert listed(first.text) == [code_of(one) for one in campaigns[:0:-1]]
    older = first.text.split('href="?before=')[1].split('"')[0]
    assert older == translate.campaign_id(campaigns[1].campaign_id)
    second = await visitor.get(f"{path}?before={older}")
    assert listed(second.text) == [code_of(campaigns[0])]
    assert "?before=" not in second.text
    assert listed((await visitor.get(f"{path}?before=nonsense")).text) == listed(first.text)


async def test_links_come_newest_first_in_pages_that_stay_small(
    formation: Formation, visitor: Visitor, settled: Settled
) -> None:
    campaign = await formation.create(a_shown_campaign())
    team = (await formation.open(campaign)).team.team_id
    made = promoter_numbers.INVITES + 2
    codes = [await an_invite(formation, team, commission_basis_points=EARNS, note=f"No. {at}") for at in range(made)]
    settled.sums = {campaign.campaign_id: Commission(450, 150)}
    path = f"{await path_of(formation)}/{code_of(campaign)}"
    for language in ("zh-CN", "es", "ar"):
        assert len(gzip.compress((await visitor.get(path, language)).body, 6)) <= LIMIT
    page = await visitor.get(path)
    assert len(gzip.compress(page.body, 6)) <= LIMIT
    listed = [part.split('"')[0] for part in page.text.split('data-copy="')[1:]]
    assert listed == [formation.codes.url(code) for code in codes[:1:-1]]
    older = page.text.split('href="?before=')[1].split('"')[0]
    rest = await visitor.get(f"{path}?before={older}")
    assert [part.split('"')[0] for part in rest.text.split('data-copy="')[1:]] == [
        formation.codes.url(code) for code in codes[1::-1]
    ]


async def test_a_link_that_leads_in_no_more_says_so(formation: Formation, visitor: Visitor, clock: ManualClock) -> None:
    campaign = await formation.create(a_shown_campaign())
    team = (await formation.open(campaign)).team.team_id
    await formation.revoke(team, await formation.invite(team))
    await an_invite(formation, team, expires_at=clock.now() + timedelta(minutes=1))
    path = f"{await path_of(formation)}/{code_of(campaign)}"
    assert "It has run out." not in (await visitor.get(path)).text
    clock.move(timedelta(minutes=2))
    page = await visitor.get(path)
    assert "Taken back: it leads nowhere any more." in page.text
    assert "It has run out." in page.text


async def test_looking_again_is_cheap_while_nothing_has_changed(formation: Formation) -> None:
    campaign = await formation.create(a_shown_campaign())
    team = (await formation.open(campaign)).team.team_id
    await an_invite(formation, team)
    path = f"{await path_of(formation)}/{code_of(campaign)}"
    async with a_web_edge(formation) as visitor:
        first = await visitor.get(path)
        again = await visitor.get(path, if_none_match=first.headers["etag"])
        assert (again.status, again.body) == (304, b"")


def reports_in(found: Sequence[Statement]) -> int:
    """Count reports among statements."""
    return len([one for one in found if "formed_teams" in one.text])


async def test_places_that_are_none_of_a_promoters_cost_no_report(
    formation: Formation, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await formation.create(a_shown_campaign())
    team = (await formation.open(campaign)).team.team_id
    await an_invite(formation, team)
    await an_invite(formation, team, promoter_id="other")
    [(theirs,)] = await formation.rows("SELECT invite_id FROM invites WHERE promoter_id = 'other'")
    path = await path_of(formation)
    detail = f"{path}/{code_of(campaign)}"
    async with a_web_edge(formation) as visitor:
        first, newest = await visitor.get(path), await visitor.get(detail)
        with recorded(monkeypatch) as found:
            for _ in range(10):
                some = translate.campaign_id(uuid4())
                assert (await visitor.get(f"{path}?before={some}")).body == first.body
            for some in [theirs, *(uuid4() for _ in range(10))]:
                before = translate.invite_id(campaign.campaign_id, some)
                assert (await visitor.get(f"{detail}?before={before}")).body == newest.body
    assert reports_in(found) <= 2  # they are counted anew after five seconds


async def test_pages_of_one_promoter_are_counted_one_at_a_time_and_others_do_not_wait(
    formation: Formation, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaigns = [await formation.create(a_shown_campaign()) for _ in range(MOST_ASK + 4)]
    for campaign in campaigns:
        team = (await formation.open(campaign)).team.team_id
        await an_invite(formation, team)
        await an_invite(formation, team, promoter_id="other")
    go_on, counted, at_once, most = asyncio.Event(), report_newest, 0, 0

    async def slowly(*asked: Any) -> Any:
        nonlocal at_once, most
        if "kol" not in asked:
            return await counted(*asked)
        at_once += 1
        most = max(most, at_once)
        await go_on.wait()
        at_once -= 1
        return await counted(*asked)

    monkeypatch.setattr(promoter_numbers, "report_newest", slowly)
    path, other = await path_of(formation), await path_of(formation, "other")
    asking = [asyncio.create_task(visitor.get(f"{path}/{code_of(campaign)}")) for campaign in campaigns]
    await until(lambda: sum(one.done() for one in asking) == 4)
    assert (await visitor.get(other)).status == 200
    go_on.set()
    pages = [await one for one in asking]
    assert sorted(page.status for page in pages) == [200] * MOST_ASK + [429] * 4
    assert most == 1
    [crowded, *_] = [page for page in pages if page.status == 429]
    assert "Too many pages at once" in crowded.text
    assert crowded.headers["retry-after"] == "5"
    assert (await visitor.get(path)).status == 200


async def test_numbers_follow_what_happens(formation: Formation, visitor: Visitor) -> None:
    campaign = await formation.create(a_shown_campaign())
    team = (await formation.open(campaign)).team.team_id
    code = await an_invite(formation, team)
    path = f"{await path_of(formation)}/{code_of(campaign)}"
    before = await visitor.get(path)
    seat = await by_invite(formation, team, code, "tom")
    after = await becomes(
        lambda: visitor.get(path, if_none_match=before.headers["etag"]), lambda page: page.status == 200
    )
    assert figures(after.text, "figures")["Joined"] == "1"
    await formation.leave(seat)
    assert figures((await visitor.get(path)).text, "figures")["Given back"] == "1"


async def test_a_promoter_without_a_link_is_told_so(formation: Formation, visitor: Visitor) -> None:
    page = await visitor.get(await path_of(formation, "nobody"))
    assert page.status == 200
    assert "You have no links yet." in page.text


async def test_nobody_sees_the_numbers_of_others(formation: Formation, visitor: Visitor) -> None:
    campaign = await formation.create(a_shown_campaign())
    team = (await formation.open(campaign)).team.team_id
    await an_invite(formation, team)
    code = code_of(campaign)
    theirs = await path_of(formation, "kol", OTHER_PLATFORM)  # the same id, of another platform
    other = await path_of(formation, "other")
    for path in (theirs, other):
        assert "You have no links yet." in (await visitor.get(path)).text
    mine = await path_of(formation)
    unknown = await visitor.get("/p/nothing")
    for path in (f"{theirs}/{code}", f"{other}/{code}", f"{mine}/{code[:-1]}", f"{mine}/x", f"{mine}x", mine[:-1]):
        answer = await visitor.get(path)
        assert (answer.status, answer.body) == (404, unknown.body)


async def test_a_link_that_was_changed_or_taken_back_leads_nowhere(formation: Formation, visitor: Visitor) -> None:
    path = await path_of(formation)
    async with formation.database.read() as connection:
        link_id, _ = await shelf.find_link(connection, PLATFORM, "kol") or (UUID(int=0), 0)
    forged = (
        PromoterLinks("another secret", PUBLIC_URL).url(PLATFORM, link_id, 0),
        MemberLinks("a secret of tests", PUBLIC_URL).url(PLATFORM, link_id, 0).replace("/m/", "/p/"),
        LINKS.url(PLATFORM, uuid4(), 0),
        LINKS.url(OTHER_PLATFORM, link_id, 0),
        LINKS.url(PLATFORM, link_id, 1),
    )
    unknown = await visitor.get("/p/nothing")
    assert unknown.status == 404
    for url in forged:
        answer = await visitor.get(url.removeprefix(PUBLIC_URL))
        assert (answer.status, answer.body) == (404, unknown.body)
    assert (await visitor.get(path)).status == 200
    async with formation.database.work() as work:
        await shelf.replace_link(work.connection, PLATFORM, "kol", uuid4(), formation.clock.now())
    revoked = await visitor.get(path)
    assert (revoked.status, revoked.body) == (404, unknown.body)
    assert (await visitor.get(await path_of(formation))).status == 200


async def test_whoever_guesses_is_slowed(formation: Formation, visitor: Visitor) -> None:
    path = await path_of(formation)
    answers = [(await visitor.get(f"/p/{at}")).status for at in range(31)]
    assert answers == [404] * 30 + [429]
    assert (await visitor.get(path)).status == 429


async def test_the_last_number_is_followed_by_another_link(formation: Formation) -> None:
    now = formation.clock.now()
    await path_of(formation)
    async with formation.database.work() as work:
        await work.connection.execute("UPDATE promoter_links SET number = 65535")
        before = await shelf.find_link(work.connection, PLATFORM, "kol")
        await shelf.replace_link(work.connection, PLATFORM, "kol", uuid4(), now)
        after = await shelf.find_link(work.connection, PLATFORM, "kol")
    assert before
    assert after
    assert (after[1], after[0] == before[0]) == (0, False)


async def test_platforms_get_links_and_take_them_back(api: Api, formation: Formation) -> None:
    async def ask(rpc: str, request: Any) -> str:
        return str((await api.call(rpc, request)).url)

    first = await ask("GetPromoterLink", pb.GetPromoterLinkRequest(promoter_id="kol"))
    assert first == await ask("GetPromoterLink", pb.GetPromoterLinkRequest(promoter_id="kol"))
    assert first != await ask("GetPromoterLink", pb.GetPromoterLinkRequest(promoter_id="other"))
    second = await ask("RevokePromoterLink", pb.RevokePromoterLinkRequest(promoter_id="kol"))
    assert second != first
    assert second == await ask("GetPromoterLink", pb.GetPromoterLinkRequest(promoter_id="kol"))
    assert await ask("RevokePromoterLink", pb.RevokePromoterLinkRequest(promoter_id="new"))
    read = LINKS.read(second.rpartition("/")[2])
    assert read
    assert read[0] == api.platform_id
    for rpc, request in (
        ("GetPromoterLink", pb.GetPromoterLinkRequest(promoter_id="kol@example.com")),
        ("RevokePromoterLink", pb.RevokePromoterLinkRequest()),
    ):
        _, reason, _ = await refused(api.call(rpc, request))
        assert reason == "INVALID_ARGUMENT"
    assert await formation.rows("SELECT count(*) FROM promoter_links") == [(3,)]
