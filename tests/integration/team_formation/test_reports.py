"""Reports of random campaigns, against a plain count of every seat, look and invite."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import astuple, dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from services.chassis.database import Connection, Database
from services.team_formation.domain.reports import (
    CampaignReport,
    Funnel,
    InviteReport,
    InvitesReport,
    ReportBy,
    ReportPart,
)
from services.team_formation.store.reports import report_campaign, report_invite, report_member, report_promoter

Row: TypeAlias = dict[str, Any]

START = datetime(2026, 10, 30, tzinfo=UTC)
PLATFORM, OTHER_PLATFORM = UUID(int=0xA), UUID(int=0xB)
ZONES = ("", "UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati")
TEAM_STATES = ("FORMING", "TIPPED", "FORMED", "FORMED", "FORMED", "FAILED", "CANCELLED")
SEAT_STATES = ("WAITING", "HELD", "CONFIRMED", "CONFIRMED", "CONFIRMED", "RELEASED", "DEFAULTED")
REASONS = ("EXPIRED", "LEFT", "WITHDRAWN", "TEAM_FAILED", "TEAM_CANCELLED", "TEAM_ENDED", "PRICE_CHANGED")
SKUS = ("kiwi", "mango")
ROLES = ("LEADER", "MEMBER")
PROMOTERS = ("nora", "omar", "nobody-came")
MEMBERS = ("mei", "tom", "zoe")
NOTHING = InvitesReport(Funnel(), 0, ())


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Connection]:
    """A connection to a fresh database of team_formation."""
    database = Database(url, pool_size=2)
    await database.start()
    async with database.read() as lent:
        yield lent
    await database.stop()


@dataclass
class World:
    """The rows of one campaign, and the counts that follow from them."""

    seed: int
    platform_id: UUID = PLATFORM
    terms: dict[int, Row] = field(default_factory=dict)
    teams: dict[UUID, Row] = field(default_factory=dict)
    invites: dict[UUID, Row] = field(default_factory=dict)
    seats: list[Row] = field(default_factory=list)
    opens: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311 - a repeatable world, no secret
        self.campaign_id = self._id()

    def fill(self, teams: int = 12, seats: int = 150) -> "World":
        """Make everything there can be."""
        self.terms = {version: self._terms(version) for version in (1, 2)}
        self.teams = {row["team_id"]: row for row in (self._team() for _ in range(teams))}
        self.invites = {row["invite_id"]: row for row in (self._invite() for _ in range(8))}
        self.seats = [self._seat(number) for number in range(seats)]
        days = [(invite, START.date() + timedelta(days=day)) for invite in self.invites for day in range(3)]
        self.opens = [self._looks(invite, day) for invite, day in days if self._chance.random() < 0.6]
        return self

    async def store(self, connection: Connection) -> None:
        """Store it."""
        campaign = {
            "merchant_id": "orchard",
            "external_ref": "",
            "currency": "EUR",
            "starts_at": START,
            "ends_at": START + timedelta(days=9),
            "terms_version": 2,
            "presentation": Jsonb({}),
            "sequence": 1,
            "created_at": START,
        }
        tables: dict[str, Iterable[Row]] = {
            "campaigns": [campaign],
            "campaign_terms": self.terms.values(),
            "teams": self.teams.values(),
            "invites": self.invites.values(),
            "seats": self.seats,
            "invite_opens": self.opens,
        }
        whose = {"campaign_id": self.campaign_id, "platform_id": self.platform_id}
        for table, rows in tables.items():
            for row in rows:
                await _insert(connection, table, whose | row)

    def counted(self, key: "Callable[[Row | None, Row | None, date | None], str | None]") -> dict[str | None, Funnel]:
        """Count plainly, under what `key` makes of a seat, of its or a look's invite and of a look's day."""
        found: dict[str | None, Funnel] = defaultdict(Funnel)
        for seat in self.seats:
            if not seat["sponsored"]:
                name = key(seat, self.invites.get(seat["invite_id"]), None)
                found[name] = _both(found[name], self._seat_counts(seat))
        for looks in self.opens:
            name = key(None, self.invites[looks["invite_id"]], looks["day"])
            found[name] = _both(found[name], Funnel(opened=looks["opened"]))
        return found

    def price(self, seat: Row) -> int:
        """Tell what a unit of a seat in a formed team costs: the last step reached by its fill, at most the cap."""
        team = self.teams[seat["team_id"]]
        table = self.terms[team["terms_version"]]["price_table"].obj
        fill = team["formed_fill"]
        if fill is None:
            fill = team["confirmed_units" if table["basis"] == "TEAM_UNITS" else "confirmed_members"]
        (steps,) = [r["steps"] for r in table["rows"] if (r["sku"], r["role"]) == (seat["sku"], seat["role"])]
        prices: list[int] = [step["unit_price"] for step in steps if step["threshold"] <= fill]
        cap: int = seat["cap"]
        return min(cap, prices[-1])

    def _seat_counts(self, seat: Row) -> Funnel:
        formed = seat["state"] == "CONFIRMED" and self.teams[seat["team_id"]]["state"] == "FORMED"
        return Funnel(
            joined=1,
            confirmed=int(seat["confirmed_at"] is not None),
            formed=int(formed),
            units=seat["quantity"] if formed else 0,
            amount=seat["quantity"] * self.price(seat) if formed else 0,
            expired=int(seat["release_reason"] == "EXPIRED"),
            left=int(seat["release_reason"] in {"LEFT", "WITHDRAWN"} or seat["state"] == "DEFAULTED"),
        )

    def _id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128))

    def _terms(self, version: int) -> Row:
        basis = self._chance.choice(("TEAM_MEMBERS", "TEAM_UNITS"))
        rows = [{"sku": sku, "role": role, "steps": self._steps()} for sku in SKUS for role in ROLES]
        return {
            "terms_version": version,
            "payment_mode": "PREPAID",
            "counted_in": "MEMBERS",
            "minimum": 2,
            "maximum": 100,
            "hold_lifetime": timedelta(minutes=10),
            "team_lifetime": timedelta(hours=1),
            "close_when_full": True,
            "max_units_per_seat": 3,
            "leave_until": "TIPPED",
            "items": Jsonb([]),
            "tiers": Jsonb([]),
            "price_table": Jsonb({"currency": "EUR", "basis": basis, "ladder_version": 1, "rows": rows}),
        }

    def _steps(self) -> list[Row]:
        thresholds = [0, *sorted(self._chance.sample(range(2, 20), self._chance.randint(0, 4)))]
        prices = sorted((self._chance.randint(0, 4000) for _ in thresholds), reverse=True)
        return [{"threshold": at, "unit_price": price} for at, price in zip(thresholds, prices, strict=True)]

    def _team(self) -> Row:
        state = self._chance.choice(TEAM_STATES)
        return {
            "team_id": self._id(),
            "terms_version": self._chance.choice((1, 2)),
            "state": state,
            "version": 7,
            "confirmed_members": self._chance.randint(0, 20),
            "confirmed_units": self._chance.randint(0, 40),
            "held_members": 0,
            "held_units": 0,
            "opened_at": START,
            "ends_at": START,
            "due_at": START,
            "opener_member_id": "mei",
            "external_ref": "",
            "formed_fill": self._chance.choice((None, None, 0, 2, 5, 11)) if state in {"FORMED", "CANCELLED"} else None,
        }

    def _invite(self) -> Row:
        promoter = self._chance.choice(("", "", *PROMOTERS[:2]))
        return {
            "invite_id": self._id(),
            "team_id": self._chance.choice(list(self.teams)),
            "member_id": "" if promoter else self._chance.choice(MEMBERS[:2]),
            "promoter_id": promoter,
            "channel": self._chance.choice(("wechat", "line")),
            "label": "",
            "note": "",
            "created_at": START + timedelta(seconds=self._chance.randint(0, 3)),
            "commission_basis_points": self._chance.choice((0, 1, 333, 10_000)),
        }

    def _seat(self, number: int) -> Row:
        state = self._chance.choice(SEAT_STATES)
        was_confirmed = state in {"CONFIRMED", "DEFAULTED"} or (state == "RELEASED" and self._chance.random() < 0.5)
        at = START + timedelta(minutes=15 * self._chance.randint(0, 4 * 24 * 7))
        return {
            "seat_id": self._id(),
            "team_id": self._chance.choice(list(self.teams)),
            "member_id": f"member-{number}",
            "sku": self._chance.choice(SKUS),
            "quantity": self._chance.randint(1, 3),
            "role": self._chance.choice(ROLES),
            "state": state,
            "cap": self._chance.randint(0, 4000),
            "cap_fill": 1,
            "held_at": at,
            "hold_until": at,
            "invite_id": self._chance.choice((None, *self.invites)),
            "external_ref": "",
            "payment_reference": "",
            "confirmed_at": at if was_confirmed else None,
            "released_at": at if state == "RELEASED" else None,
            "release_reason": self._chance.choice(REASONS) if state == "RELEASED" else None,
            "number": number,
            "sponsored": self._chance.random() < 0.1,
            "updated_at": at,
        }

    def _looks(self, invite_id: UUID, day: date) -> Row:
        return {"invite_id": invite_id, "day": day, "opened": self._chance.randint(1, 9)}


def _both(one: Funnel, other: Funnel) -> Funnel:
    return Funnel(*(mine + more for mine, more in zip(astuple(one), astuple(other), strict=True)))


async def _insert(connection: Connection, table: str, row: Row) -> None:
    names, places = map(sql.Identifier, row), sql.SQL(", ").join(sql.Placeholder() * len(row))
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({})")
    await connection.execute(query.format(sql.Identifier(table), sql.SQL(", ").join(names), places), [*row.values()])


async def _campaign(connection: Connection, world: World, by: ReportBy, zone: str = "") -> CampaignReport:
    return await report_campaign(connection, world.platform_id, world.campaign_id, by, zone)


async def _promoter(connection: Connection, world: World, promoter: str) -> InvitesReport:
    return await report_promoter(connection, world.platform_id, world.campaign_id, promoter)


async def _member(connection: Connection, world: World, member: str) -> InvitesReport:
    return await report_member(connection, world.platform_id, world.campaign_id, member)


@pytest.fixture
async def worlds(connection: Connection) -> list[World]:
    """Four campaigns in one database, one of another platform."""
    made = [World(seed, OTHER_PLATFORM if seed == 3 else PLATFORM).fill() for seed in range(4)]
    for world in made:
        await world.store(connection)
    return made


@pytest.mark.parametrize("zone", ZONES)
async def test_a_report_by_day_is_a_plain_count(connection: Connection, worlds: list[World], zone: str) -> None:
    def key(seat: Row | None, _invite: Row | None, day: date | None) -> str:
        return str(seat["held_at"].astimezone(ZoneInfo(zone or "UTC")).date() if seat else day)

    for world in worlds:
        report = await _campaign(connection, world, ReportBy.DAY, zone)
        assert {row.key: row.funnel for row in report.rows} == world.counted(key)
        assert [row.invites for row in report.rows] == [0] * len(report.rows)


async def test_a_report_by_channel_is_a_plain_count(connection: Connection, worlds: list[World]) -> None:
    for world in worlds:
        report = await _campaign(connection, world, ReportBy.CHANNEL)
        funnels = world.counted(lambda _seat, invite, _day: invite["channel"] if invite else "")
        assert {row.key: row.funnel for row in report.rows} == funnels
        for row in report.rows:
            assert row.invites == sum(invite["channel"] == row.key for invite in world.invites.values())


async def test_a_report_by_promoter_is_a_plain_count(connection: Connection, worlds: list[World]) -> None:
    for world in worlds:
        report = await _campaign(connection, world, ReportBy.PROMOTER)
        funnels = world.counted(lambda _seat, invite, _day: invite["promoter_id"] if invite else "")
        assert {row.key: row.funnel for row in report.rows} == funnels
        for row in report.rows:
            assert row.invites == sum(invite["promoter_id"] == row.key for invite in world.invites.values())


async def test_a_report_by_item_is_a_plain_count_and_looks_belong_to_no_item(
    connection: Connection, worlds: list[World]
) -> None:
    for world in worlds:
        report = await _campaign(connection, world, ReportBy.ITEM)
        funnels = world.counted(lambda seat, _invite, _day: seat["sku"] if seat else None)
        looks = funnels.pop(None)
        assert {row.key: row.funnel for row in report.rows} == funnels
        assert report.total.opened == looks.opened > 0


@pytest.mark.parametrize("by", ReportBy)
async def test_the_whole_is_the_same_however_it_is_split(
    connection: Connection, worlds: list[World], by: ReportBy
) -> None:
    for world in worlds:
        report = await _campaign(connection, world, by)
        invited = sum(seat["invite_id"] is not None and not seat["sponsored"] for seat in world.seats)
        assert {None: report.total} == world.counted(lambda *_: None)
        assert report.joins_per_invite == invited / len(world.invites)


@pytest.mark.parametrize("promoter", PROMOTERS)
async def test_a_promoters_report_is_a_plain_count_of_each_invite(
    connection: Connection, worlds: list[World], promoter: str
) -> None:
    for world in worlds:
        _check_invites(world, await _promoter(connection, world, promoter), "promoter_id", promoter)


@pytest.mark.parametrize("member", MEMBERS)
async def test_a_members_report_is_a_plain_count_of_each_invite(
    connection: Connection, worlds: list[World], member: str
) -> None:
    for world in worlds:
        _check_invites(world, await _member(connection, world, member), "member_id", member)


def _check_invites(world: World, report: InvitesReport, maker: str, name: str) -> None:
    theirs = {invite["invite_id"]: invite for invite in world.invites.values() if invite[maker] == name}
    funnels = world.counted(lambda _seat, invite, _day: str(invite["invite_id"]) if invite else "")
    assert [invite.invite_id for invite in report.invites] == sorted(theirs)
    for invite in report.invites:
        row = theirs[invite.invite_id]
        assert invite.funnel == funnels.get(str(row["invite_id"]), Funnel())
        assert (invite.channel, invite.commission_basis_points) == (row["channel"], row["commission_basis_points"])
        exact = Fraction(invite.funnel.amount * row["commission_basis_points"], 10_000)
        assert -Fraction(1, 2) < invite.commission - exact <= Fraction(1, 2)
    whole = world.counted(lambda _seat, invite, _day: invite[maker] if invite else "")
    assert report.total == whole.get(name, Funnel())
    assert report.commission == sum(invite.commission for invite in report.invites)


async def test_the_report_of_an_invite_is_what_stands_beside_it_in_its_makers(
    connection: Connection, worlds: list[World]
) -> None:
    seen = 0
    for world in worlds:
        makers = [await _promoter(connection, world, promoter) for promoter in PROMOTERS]
        makers += [await _member(connection, world, member) for member in MEMBERS]
        for invite in (invite for maker in makers for invite in maker.invites):
            found = await report_invite(connection, world.platform_id, world.campaign_id, invite.invite_id)
            assert found == invite
            seen += 1
            for other in worlds:
                if other is not world:
                    theirs = other.platform_id, other.campaign_id, invite.invite_id
                    assert await report_invite(connection, *theirs) is None
    assert seen == sum(len(world.invites) for world in worlds)


async def test_a_report_by_member_is_a_plain_count(connection: Connection, worlds: list[World]) -> None:
    for world in worlds:
        report = await _campaign(connection, world, ReportBy.MEMBER)
        funnels = world.counted(lambda _seat, invite, _day: invite["member_id"] if invite else "")
        assert {row.key: row.funnel for row in report.rows} == funnels
        for row in report.rows:
            assert row.invites == sum(invite["member_id"] == row.key for invite in world.invites.values())


@pytest.mark.parametrize("by", ReportBy)
async def test_the_pages_of_a_campaign_are_its_parts_in_order_and_each_has_the_whole(
    connection: Connection, worlds: list[World], by: ReportBy
) -> None:
    world = worlds[0]
    whole = await _campaign(connection, world, by)
    assert [row.key for row in whole.rows] == sorted({row.key for row in whole.rows})
    found: list[ReportPart] = []
    for _ in range(len(whole.rows) + 1):
        after = found[-1].key if found else None
        page = await report_campaign(connection, world.platform_id, world.campaign_id, by, "", after, 1)
        assert (page.total, page.invites, page.invited) == (whole.total, whole.invites, whole.invited)
        found += page.rows
    assert tuple(found) == whole.rows


async def test_the_pages_of_a_makers_invites_are_all_of_them_and_each_has_the_sum(
    connection: Connection, worlds: list[World]
) -> None:
    for world in worlds:
        for report, name in ((report_promoter, PROMOTERS[0]), (report_member, MEMBERS[0])):
            whole = await report(connection, world.platform_id, world.campaign_id, name)
            found: list[InviteReport] = []
            for _ in range(len(whole.invites) + 1):
                after = found[-1].invite_id if found else None
                page = await report(connection, world.platform_id, world.campaign_id, name, after, 1)
                assert (page.total, page.commission) == (whole.total, whole.commission)
                found += page.invites
            assert tuple(found) == whole.invites


async def test_who_leaves_after_formation_raises_nobody_elses_price(connection: Connection) -> None:
    world = World(seed=11).fill(teams=1, seats=5)
    (team,) = world.teams.values()
    team |= {"state": "FORMED", "formed_fill": 5, "confirmed_members": 5, "confirmed_units": 5, "terms_version": 1}
    steps = [{"threshold": 0, "unit_price": 3990}, {"threshold": 5, "unit_price": 2490}]
    rows = [{"sku": "mango", "role": "MEMBER", "steps": steps}]
    world.terms[1]["price_table"] = Jsonb({"currency": "EUR", "basis": "TEAM_MEMBERS", "rows": rows})
    sat = {"state": "CONFIRMED", "confirmed_at": START, "released_at": None, "release_reason": None, "cap": 3000}
    for seat in world.seats:
        seat |= {"sku": "mango", "role": "MEMBER", "quantity": 1, "sponsored": False, **sat}
    gone = {"state": "RELEASED", "released_at": START, "release_reason": "WITHDRAWN"}
    world.seats[0] |= gone
    world.seats[1] |= {"state": "DEFAULTED"}
    world.seats[2] |= {"cap": 2000}
    team |= {"confirmed_members": 3, "confirmed_units": 3}
    await world.store(connection)
    total = (await _campaign(connection, world, ReportBy.ITEM)).total
    looks = sum(row["opened"] for row in world.opens)
    assert total == Funnel(looks, 5, 5, formed=3, units=3, amount=2 * 2490 + 2000, expired=0, left=2)


async def test_an_invite_that_brought_nobody_is_there_with_nothing(connection: Connection) -> None:
    world = World(seed=12).fill(seats=0)
    world.opens = []
    await world.store(connection)
    for promoter in PROMOTERS:
        report = await _promoter(connection, world, promoter)
        made = sum(invite["promoter_id"] == promoter for invite in world.invites.values())
        assert [invite.funnel for invite in report.invites] == [Funnel()] * made
        assert report.commission == 0
    rows = (await _campaign(connection, world, ReportBy.CHANNEL)).rows
    assert sum(row.invites for row in rows) == len(world.invites)
    assert {row.funnel for row in rows} == {Funnel()}


async def test_another_platform_sees_nothing(connection: Connection, worlds: list[World]) -> None:
    mine = worlds[0]
    for platform_id, campaign_id in ((OTHER_PLATFORM, mine.campaign_id), (PLATFORM, UUID(int=7))):
        for by in ReportBy:
            report = await report_campaign(connection, platform_id, campaign_id, by, "")
            assert report == CampaignReport(Funnel(), 0, 0, ())
        for promoter in PROMOTERS:
            assert await report_promoter(connection, platform_id, campaign_id, promoter) == NOTHING
        for member in MEMBERS:
            assert await report_member(connection, platform_id, campaign_id, member) == NOTHING


async def test_a_report_takes_no_lock_that_anybody_waits_for_and_no_number_that_the_relay_waits_for(
    connection: Connection, worlds: list[World]
) -> None:
    async with connection.transaction():
        for by in ReportBy:
            await _campaign(connection, worlds[0], by)
        await _promoter(connection, worlds[0], "nora")
        await _member(connection, worlds[0], "mei")
        await report_invite(connection, PLATFORM, worlds[0].campaign_id, next(iter(worlds[0].invites)))
        held = await connection.execute(
            "SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid'"
        )
        assert await held.fetchall() == [("AccessShareLock",)]
        drawn = await connection.execute("SELECT pg_current_xact_id_if_assigned()")
        assert await drawn.fetchall() == [(None,)]
