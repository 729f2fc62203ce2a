"""The shop of docs/examples against the real engine: every press and every post comes twice, and has one effect."""

import ast
import io
import tokenize
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1.events_pb2 import TeamEvent
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub
from groupbuy.team_formation.v1.types_pb2 import SEAT_STATE_CONFIRMED, SEAT_STATE_HELD, Seat

from deploy.local.sockets import free_port
from docs.examples.shop.checkout import LATE, Checkout
from docs.examples.shop.engine import REASONS
from services.team_formation import domain
from tests.support.database import Database
from tests.support.engine import KEY, Engine, an_engine, listening
from tests.support.example_shop import SECRET, Buyer, Page, Shop, a_shop, booked, post, post_twice, something_else
from tests.support.formation import PUBLIC_URL
from tests.support.web import Visitor, a_shown_campaign, a_web_edge, becomes, code_of

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "examples" / "shop"
MOST_LINES, MOST_OF_THE_SINK, MOST_OF_THE_OFFER = 200, 35, 20


@dataclass
class Stage:
    """The engine, its pages, one shop and those who buy there."""

    engine: Engine
    pages: Visitor
    addresses: dict[str, str]
    folder: Path
    port: int
    exits: AsyncExitStack
    told: int = 0
    buyers: dict[str, Buyer] = field(default_factory=dict)

    def shop(self) -> Any:
        """Start the shop's process."""
        return a_shop(self.addresses, KEY, self.folder, self.port)

    def buyer(self, name: str) -> Buyer:
        """Give somebody's browser."""
        if name not in self.buyers:
            self.buyers[name] = Buyer((PUBLIC_URL, self.pages.origin))
            self.exits.push_async_callback(self.buyers[name].session.close)
        return self.buyers[name]

    async def campaign(self, **changes: Any) -> domain.Campaign:
        """Create a campaign whose buyers pay at the shop."""
        changes = {"payment_mode": domain.PaymentMode.HOLD, "leave_until": domain.LeaveUntil.ENDED, **changes}
        campaign = a_shown_campaign(**changes)
        shown = replace(campaign.presentation, checkout_url=f"http://127.0.0.1:{self.port}/checkout")
        return await self.engine.formation.create(replace(campaign, presentation=shown))

    async def opened(self, campaign: domain.Campaign, *others: str) -> tuple[Any, str]:
        """Open a team with Mei and others in it, confirmed; the others' seats by name, and an invite's address."""
        formation = self.engine.formation
        opened = await formation.open(campaign, "mei")
        await formation.confirm(opened.seat)
        seats = {}
        for name in others:
            seats[name] = (await formation.join(opened.team.team_id, name)).seat
            await formation.confirm(seats[name])
        code = (await formation.create_invite(opened.team.team_id)).invite.code
        return seats, f"{PUBLIC_URL}/i/{code}"

    async def pass_time(self, time: timedelta) -> None:
        """Let time pass, and what is due happen."""
        self.engine.formation.clock.move(time)
        while await self.engine.formation.finder.run_once():
            pass

    async def settle(self, shop: Shop) -> None:
        """Carry every event twice, and post what was settled since, each line twice and once more."""
        await self.engine.carry(times=2)
        events = await self.engine.pricing.settled()
        paid_here = [event for event in events[self.told :] if "pay-" not in str(event)]  # not by calls of the test
        await post_twice(shop, paid_here)
        self.told = len(events)
        await self.engine.carry(times=2)

    async def agrees(self, shop: Shop) -> None:
        """Count in SQL, in both books: every payment's sums are equal, and each line is done and reported once."""
        owed = await self.engine.pricing.rows(
            "SELECT payment_reference AS name, sum(authorised) AS authorised, sum(to_capture) AS captured,"
            " sum(to_void) AS back FROM settlement_lines WHERE payment_reference NOT LIKE 'pay-%' GROUP BY 1"
        )
        assert {row["name"]: (row["captured"], row["back"]) for row in owed} == {
            name: (captured - refunded, voided + refunded)
            for name, (_, captured, voided, refunded) in booked(shop).items()
        }
        assert {row["name"]: row["authorised"] for row in owed} == {
            name: sums[0] for name, sums in booked(shop).items()
        }
        open_lines = await self.engine.pricing.rows(
            "SELECT line_id FROM settlement_lines LEFT JOIN line_states USING (campaign_id, line_id)"
            " WHERE payment_reference NOT LIKE 'pay-%' AND state IS DISTINCT FROM 'DONE'"
        )
        assert open_lines == []
        [counted] = await self.engine.pricing.rows("SELECT count(*) AS made FROM line_reports")
        [(moves,)] = shop.sink.db.execute("SELECT count(*) FROM moves").fetchall()
        assert counted["made"] == moves

    async def seat_of(self, shop: Shop, name: str) -> Seat:
        """Give the seat of somebody's last cart."""
        session = next(item.value for item in self.buyer(name).session.cookie_jar if item.key == "buyer")
        rows = "SELECT seat FROM carts WHERE buyer = ? ORDER BY length(id) DESC, id DESC LIMIT 1"
        async with grpc.aio.insecure_channel(self.addresses["team_formation"]) as channel:
            [seat_id] = shop.books.db.execute(rows, (session,)).fetchone()
            asked = pb.GetSeatRequest(seat_id=seat_id)
            seat = (
                await TeamFormationStub(channel).GetSeat(asked, metadata=(("authorization", f"Bearer {KEY}"),))
            ).seat
        assert seat.member_id == session[:16]
        return seat


@pytest.fixture
async def stage(database: Database, tmp_path: Path) -> AsyncIterator[Stage]:
    async with (
        AsyncExitStack() as exits,
        an_engine(database) as engine,
        listening(engine) as addresses,
        a_web_edge(engine.formation) as pages,
    ):
        yield Stage(engine, pages, addresses, tmp_path, free_port(), exits)


async def test_a_team_that_forms_is_captured_once_and_what_is_withdrawn_is_paid_back(stage: Stage) -> None:
    formation = stage.engine.formation
    campaign = await stage.campaign(maximum=3, rules={"leave_after_formed": timedelta(hours=5)})
    async with stage.shop() as shop:
        mei = stage.buyer("mei")
        cart = await mei.open(f"{PUBLIC_URL}/c/{code_of(campaign)}/open")
        assert "mango, €39.90 each at most" in cart.text
        held = await mei.press(cart, quantity="2")
        assert "Pay, €79.80 at most" in held.text
        assert is_own_page(await mei.press(held))
        seat = await stage.seat_of(shop, "mei")
        assert (seat.state, seat.quantity) == (SEAT_STATE_CONFIRMED, 2)
        invite = f"{PUBLIC_URL}/i/{(await formation.create_invite(seat.team_id)).invite.code}"
        for name in ("tom", "ana"):
            buyer = stage.buyer(name)
            assert f"{invite.removeprefix(PUBLIC_URL)}/join" in (await buyer.open(invite)).text
            assert is_own_page(await buyer.press(await buyer.press(await buyer.open(f"{invite}/join"))))
        await stage.settle(shop)
        assert sorted(booked(shop).values()) == [(2990, 2990, 0, 0), (3490, 2990, 500, 0), (7980, 5980, 2000, 0)]
        await stage.agrees(shop)
        await formation.leave(await stage.seat_of(shop, "ana"))
        await stage.settle(shop)
        assert sorted(booked(shop).values()) == [(2990, 2990, 0, 2990), (3490, 2990, 500, 0), (7980, 5980, 2000, 0)]
        await stage.agrees(shop)


async def test_a_team_that_fails_gives_all_back_once(stage: Stage) -> None:
    _, invite = await stage.opened(await stage.campaign(minimum=3))
    async with stage.shop() as shop:
        tom = stage.buyer("tom")
        assert is_own_page(await tom.press(await tom.press(await tom.open(f"{invite}/join"))))
        await stage.pass_time(timedelta(hours=1))
        await stage.settle(shop)
        assert list(booked(shop).values()) == [(3490, 0, 3490, 0)]
        await stage.agrees(shop)


async def test_a_price_that_rose_is_shown_before_there_is_a_seat(stage: Stage) -> None:
    seats, invite = await stage.opened(await stage.campaign(), "ana", "bo")
    async with stage.shop() as shop:
        tom = stage.buyer("tom")
        cart = await tom.open(f"{invite}/join")
        assert "€29.90 each at most" in cart.text
        for seat in seats.values():
            await stage.engine.formation.leave(seat)
        changed = await tom.press(cart)
        assert says(changed, "PRICE_CHANGED")
        assert "€34.90 each at most" in changed.text
        assert says(await tom.press(cart), "PRICE_CHANGED")  # the old page again: the same answer, the same new cart
        assert "Pay, €34.90 at most" in (await tom.press(changed)).text
        assert (await stage.seat_of(shop, "tom")).state == SEAT_STATE_HELD


async def test_a_hold_that_ran_out_is_said_and_another_place_can_be_taken(stage: Stage) -> None:
    _, invite = await stage.opened(await stage.campaign())
    async with stage.shop() as shop:
        tom = stage.buyer("tom")
        held = await tom.press(await tom.open(f"{invite}/join"))
        await stage.pass_time(timedelta(minutes=11))
        again = await tom.press(held)
        assert says(again, "HOLD_EXPIRED")
        assert booked(shop) == {}
        assert is_own_page(await tom.press(await tom.press(again)))
        assert [sums[0] for sums in booked(shop).values()] == [3490]


async def test_who_is_in_the_team_already_comes_to_the_own_page(stage: Stage) -> None:
    _, invite = await stage.opened(await stage.campaign())
    async with stage.shop():
        tom = stage.buyer("tom")
        page = await tom.press(await tom.press(await tom.open(f"{invite}/join")))
        assert is_own_page(page)
        assert (await tom.press(await tom.open(f"{invite}/join"))).url == page.url


async def test_a_full_team_is_said_in_words_for_buyers(stage: Stage) -> None:
    _, invite = await stage.opened(await stage.campaign(maximum=2, close_when_full=False))
    async with stage.shop():
        tom, ana = stage.buyer("tom"), stage.buyer("ana")
        late = await ana.open(f"{invite}/join")
        await tom.press(await tom.open(f"{invite}/join"))
        assert says(await ana.press(late), "TEAM_FULL")


async def test_a_process_that_dies_while_a_buyer_pays_sees_it_through_when_it_is_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, invite = await stage.opened(await stage.campaign())
    tom = stage.buyer("tom")
    async with stage.shop():
        held = await tom.press(await tom.open(f"{invite}/join"))
        with monkeypatch.context() as dying:
            dying.setattr(Checkout, "see_through", die)
            assert (await tom.press(held)).status == 503
    async with stage.shop() as shop:
        assert booked(shop) == {}
        assert (await stage.seat_of(shop, "tom")).state == SEAT_STATE_HELD
        assert await post(shop, something_else(TeamEvent(), "team.seat_held")) == 204
        assert (await stage.seat_of(shop, "tom")).state == SEAT_STATE_CONFIRMED
        assert is_own_page(await tom.open(held.url))
        assert len(booked(shop)) == 1


async def test_a_payment_that_comes_too_late_goes_back_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    _, invite = await stage.opened(await stage.campaign(maximum=2))
    tom, ana = stage.buyer("tom"), stage.buyer("ana")
    async with stage.shop():
        held = await tom.press(await tom.open(f"{invite}/join"))
        with monkeypatch.context() as dying:
            dying.setattr(Checkout, "see_through", die)
            await tom.press(held)
        await stage.pass_time(timedelta(minutes=11))
        cart = await becomes(lambda: ana.open(f"{invite}/join"), lambda page: "/cart/" in page.url)
        assert is_own_page(await ana.press(await ana.press(cart)))
    async with stage.shop() as shop:
        assert (await tom.open(held.url)).note == LATE
        await stage.settle(shop)
        assert sorted(booked(shop).values()) == [(3490, 0, 3490, 0), (3490, 3490, 0, 0)]
        await stage.agrees(shop)


async def test_an_engine_that_is_away_is_asked_the_same_again(stage: Stage) -> None:
    _, invite = await stage.opened(await stage.campaign())
    tom = stage.buyer("tom")
    async with stage.shop():
        cart = await tom.open(f"{invite}/join")
    there, stage.addresses = stage.addresses, {name: f"127.0.0.1:{free_port()}" for name in stage.addresses}
    async with stage.shop():
        away = await tom.press(cart)
        assert (away.status, says(away, "UNAVAILABLE")) == (503, True)
    stage.addresses = there
    async with stage.shop() as shop:
        assert "at most</button>" in (await tom.press(cart, quantity="3")).text
        assert (await stage.seat_of(shop, "tom")).quantity == 1  # what was asked first


async def test_a_token_is_good_for_the_buyer_who_brought_it_and_no_forged_one(stage: Stage) -> None:
    _, invite = await stage.opened(await stage.campaign())
    async with stage.shop() as shop:
        tom, eve = stage.buyer("tom"), stage.buyer("eve")
        async with tom.session.get(f"{invite}/join".replace(*tom.pages), allow_redirects=False) as answer:
            checkout = answer.headers["location"]
        cart = await tom.open(checkout)
        assert (await eve.open(checkout)).url == invite
        assert says(await eve.open(cart.url), "HANDOVER_INVALID")
        assert says(await eve.open(f"{checkout}x"), "HANDOVER_INVALID")
        assert shop.books.db.execute("SELECT count(*) FROM carts").fetchone()[0] == 1


async def test_only_posts_that_were_signed_lately_are_taken(stage: Stage) -> None:
    async with stage.shop() as shop:
        body, now = something_else(TeamEvent(), "team.seat_held"), datetime.now(UTC)
        assert await post(shop, body) == 204
        assert await post(shop, body, secret=f"{SECRET[:-4]}AAAA") == 401
        assert await post(shop, body, at=now - timedelta(minutes=6)) == 401
        async with stage.buyer("eve").session.post(f"{shop.url}/groupbuy", data=body) as answer:
            assert answer.status == 401


def test_the_shop_is_short() -> None:
    lines = {path.stem: lines_of_code(path.read_text()) for path in FOLDER.glob("*.py")}
    assert lines.pop("sink") <= MOST_OF_THE_SINK  # stands for a payment provider
    assert lines.pop("offer") <= MOST_OF_THE_OFFER  # sets the scene for a trial
    assert sum(lines.values()) <= MOST_LINES
    assert set(lines) == {"__init__", "__main__", "books", "checkout", "engine", "settling"}


def lines_of_code(text: str) -> int:
    """Count lines without those that are blank, comments, docstrings or imports."""
    tree, passing = ast.parse(text), (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in {*passing, tokenize.ENDMARKER}:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and type(node.value.value) is str
        if isinstance(node, ast.Import | ast.ImportFrom) or (isinstance(node, ast.Expr) and is_text):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def says(page: Page, reason: str) -> bool:
    """Tell whether a page shows the sentence of a refusal."""
    return page.note == str(REASONS[reason]["buyer"]["en"])


def is_own_page(page: Page) -> bool:
    """Tell whether it is a member's own page of the engine's."""
    return page.status == 200 and page.url.startswith(f"{PUBLIC_URL}/m/")


async def die(*_: object) -> str:
    """End as a process that is killed, as far as a buyer can tell."""
    raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
