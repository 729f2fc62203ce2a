"""Reports of random histories: what team_formation counts as earned is what pricing settled, and what its API says."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, cast
from uuid import UUID

import grpc
import pytest
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.team_formation.v1 import reports_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub
from grpc_status import rpc_status

from services.chassis import ids
from services.chassis.status import rejected_of
from services.team_formation import domain
from services.team_formation.catalogue import Catalogue
from services.team_formation.domain.reports import Funnel, InviteReport, ReportBy
from services.team_formation.handlers import Ask
from services.team_formation.store import lists
from services.team_formation.store.promoters import sum_under_way
from services.team_formation.store.reports import report_campaign, report_promoter
from tests.support.database import Database
from tests.support.engine import KEY, Engine, an_engine, served
from tests.support.formation import OTHER_PLATFORM, PLATFORM, a_campaign
from tests.support.histories import History

SERVICE = "groupbuy.team_formation.v1.TeamFormation"
SEEDS = range(301, 317)
PROMOTERS = ("nora", "omar")
CHANNELS = ("wechat", "line")


class SharingHistory(History):
    """A history in which many come by links of members and promoters."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.made: list[tuple[UUID, UUID]] = []
        """Invites with the teams they lead to."""

    def _note(self, rpc: str, answer: Any) -> None:
        super()._note(rpc, answer)
        if rpc == "CreateInvite":
            self.made.append((_own("inv", answer.invite.invite_id), _own("team", answer.invite.team_id)))

    def _invite(self) -> Ask:
        promoter = self._random.choice(("", *PROMOTERS))
        seat, channel = self._random.choice(self.seats), self._random.choice(CHANNELS)
        member = "" if promoter else seat.member_id
        points = self._random.choice((333, 5_000, 10_000)) if promoter else 0
        invite = domain.NewInvite(ids.new_id(), member, promoter, channel, "", "", None, commission_basis_points=points)
        return self._named("CreateInvite", invite, team_id=_own("team", seat.team_id))

    def _ask(self) -> Ask:
        return self._invite() if self.seats and self._random.random() < 0.2 else super()._ask()

    def _quote(self) -> domain.Quote | None:
        """Promise a price of its own to one in five, lower than any of the table's first step."""
        if self._random.random() < 0.8:
            return None
        table = self.campaign.terms.price_table
        first = min(row.steps[0].unit_price for row in table.rows)
        steps = (domain.OwnStep(0, first * 7 // 8), domain.OwnStep(2, first // 8))
        return domain.Quote(ids.new_id(), first, table.ladder_version, steps)

    def _join(self) -> Ask:
        team_id = self._team()
        leading = [invite_id for invite_id, to in self.made if to == team_id]
        wanted = replace(self._wanted(), invite_id=self._random.choice([None, *leading]), quote=self._quote())
        return self._named("JoinTeam", wanted, team_id=team_id)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[Engine]:
    async with an_engine(database) as running:
        yield running


async def test_a_report_counts_as_earned_what_was_settled(engine: Engine) -> None:
    histories = [SharingHistory(engine.formation, seed) for seed in SEEDS]
    for history in histories:
        await history.play()
    await engine.carry()
    settled = await _settled(engine)
    commissions = 0
    for history in histories:
        campaign_id = history.campaign.campaign_id
        owed = await _owed(engine, campaign_id, settled)
        async with engine.formation.database.read() as connection:
            for by in ReportBy:
                report = await report_campaign(connection, PLATFORM, campaign_id, by, "Asia/Shanghai")
                assert report.total.amount == owed[by].total(), history.said
                if by is not ReportBy.DAY:
                    assert Counter({row.key: row.funnel.amount for row in report.rows}) == owed[by], history.said
            for promoter in PROMOTERS:
                mine = await report_promoter(connection, PLATFORM, campaign_id, promoter)
                assert mine.total.amount == owed[ReportBy.PROMOTER][promoter], history.said
                commissions += mine.commission
    assert commissions > 0
    assert sum(settled.values()) > 0


async def test_the_api_says_what_was_counted(engine: Engine) -> None:
    history = SharingHistory(engine.formation, SEEDS[0])
    await history.play()
    campaign_id = history.campaign.campaign_id
    named = ids.opaque("camp", campaign_id)
    async with served(engine) as channels, engine.formation.database.read() as connection:
        call = _caller(channels[SERVICE])
        for by in reports_pb2.ReportBy.values():
            split = ReportBy(reports_pb2.ReportBy.Name(by).removeprefix("REPORT_BY_")) if by else ReportBy.DAY
            counted = await report_campaign(connection, PLATFORM, campaign_id, split, "Asia/Shanghai")
            said = await call("GetCampaignReport", pb.GetCampaignReportRequest(campaign_id=named, by=by))
            assert said.total == _said(counted.total)
            assert [(row.key, row.funnel, row.invites) for row in said.rows] == [
                (row.key, _said(row.funnel), row.invites) for row in counted.rows
            ]
            assert said.joins_per_invite == counted.joins_per_invite > 0
        for promoter in (*PROMOTERS, "nobody"):
            mine = await report_promoter(connection, PLATFORM, campaign_id, promoter)
            request = pb.GetPromoterReportRequest(campaign_id=named, promoter_id=promoter)
            told = await call("GetPromoterReport", request)
            assert (told.total, told.commission) == (_said(mine.total), _money(mine.commission))
            assert list(told.invites) == [_beside(campaign_id, invite) for invite in mine.invites]


class WatchedHistory(SharingHistory):
    """A history in which it is looked, after each batch, at what promoters would earn by teams under way."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.found = 0

    async def _decide(self, asks: Sequence[Ask]) -> None:
        await super()._decide(asks)
        campaign_id = self.campaign.campaign_id
        async with self.formation.database.read() as connection:
            expected = await _under_way(connection, campaign_id)
            for promoter in (*PROMOTERS, "nobody"):
                found = await sum_under_way(connection, PLATFORM, campaign_id, promoter)
                assert found == expected[promoter], self.said
                self.found += found


async def test_what_teams_under_way_would_earn_a_promoter_is_their_places_at_the_prices_of_now(
    engine: Engine,
) -> None:
    histories = [WatchedHistory(engine.formation, seed) for seed in SEEDS[:6]]
    for history in histories:
        await history.play()
    assert sum(history.found for history in histories) > 0


async def _under_way(connection: Any, campaign_id: UUID) -> Counter[str]:
    """Work out from seats and teams, one by one, what promoters would earn."""
    expected = Counter[str]()
    teams = await lists.list_teams(connection, PLATFORM, campaign_id, lists.TeamFilter(), None, 1_000)
    for team, terms in await Catalogue().priced(connection, teams):
        fill, wanted = team.price_fill(terms.price_table.basis), lists.SeatFilter(team_id=team.team_id)
        for seat in await lists.list_seats_of_team(connection, PLATFORM, campaign_id, wanted, 0, 1_000):
            if team.state.is_open and seat.state is domain.SeatState.CONFIRMED and not seat.sponsored:
                own = seat.quote.own_price(fill) if seat.quote else None
                price = terms.price_table.row(seat.sku, seat.role).at(fill).unit_price if own is None else own
                price = min(seat.cap, price)
                expected[seat.promoter_id] += (price * seat.commission_basis_points + 5_000) // 10_000 * seat.quantity
    return expected


async def test_a_member_s_report_and_an_invite_s_are_parts_of_the_campaign_s(engine: Engine) -> None:
    histories = [SharingHistory(engine.formation, seed) for seed in SEEDS]
    joined = 0
    async with served(engine) as channels:
        call = _caller(channels[SERVICE])
        for history in histories:
            await history.play()
            named = ids.opaque("camp", history.campaign.campaign_id)
            wanted = pb.GetCampaignReportRequest(campaign_id=named, by=reports_pb2.REPORT_BY_MEMBER)
            for row in (await call("GetCampaignReport", wanted)).rows:
                if not row.key:
                    continue
                theirs = await call("GetMemberReport", pb.GetMemberReportRequest(campaign_id=named, member_id=row.key))
                assert (theirs.total, len(theirs.invites)) == (row.funnel, row.invites), history.said
                assert theirs.total.joined == sum(invite.funnel.joined for invite in theirs.invites)
                for invite in theirs.invites:
                    alone = await call("GetInviteReport", pb.GetInviteReportRequest(invite_id=invite.invite_id))
                    assert alone.report == invite
                joined += theirs.total.joined
    assert joined > 0


async def test_reports_are_given_page_by_page(engine: Engine) -> None:
    history = SharingHistory(engine.formation, SEEDS[0])
    await history.play()
    named = ids.opaque("camp", history.campaign.campaign_id)
    by_member = pb.GetCampaignReportRequest(campaign_id=named, by=reports_pb2.REPORT_BY_MEMBER)
    by_promoter = pb.GetPromoterReportRequest(campaign_id=named, promoter_id=PROMOTERS[0])
    async with served(engine) as channels:
        call = _caller(channels[SERVICE])
        for method, request, field in (
            ("GetCampaignReport", by_member, "rows"),
            ("GetPromoterReport", by_promoter, "invites"),
        ):
            whole = await call(method, request)
            request.page_size = 1
            found = []
            for _ in getattr(whole, field):
                page = await call(method, request)
                assert page.total == whole.total
                found += getattr(page, field)
                request.page_token = page.next_page_token
            assert found == list(getattr(whole, field))
            assert (len(found) > 1, request.page_token) == (True, "")


def _beside(campaign_id: UUID, invite: InviteReport) -> reports_pb2.InviteReport:
    return reports_pb2.InviteReport(
        invite_id=ids.opaque("inv", campaign_id, invite.invite_id),
        channel=invite.channel,
        funnel=_said(invite.funnel),
        commission_basis_points=invite.commission_basis_points,
        commission=_money(invite.commission),
    )


async def test_what_cannot_be_reported_is_refused(engine: Engine) -> None:
    campaign = await engine.formation.create(a_campaign())
    other = await engine.formation.create(a_campaign(platform_id=OTHER_PLATFORM))
    named = ids.opaque("camp", campaign.campaign_id)
    strange: Any = 99
    refused = [
        ("INVALID_ARGUMENT", "GetCampaignReport", pb.GetCampaignReportRequest(campaign_id=named, by=strange)),
        ("INVALID_ARGUMENT", "GetPromoterReport", pb.GetPromoterReportRequest(campaign_id=named)),
        ("INVALID_ARGUMENT", "GetMemberReport", pb.GetMemberReportRequest(campaign_id=named)),
        ("INVALID_ARGUMENT", "GetCampaignReport", pb.GetCampaignReportRequest(campaign_id=named, page_size=1001)),
        ("PAGE_TOKEN_INVALID", "GetCampaignReport", pb.GetCampaignReportRequest(campaign_id=named, page_token="x")),
    ]
    for invite in ("", "nonsense", ids.opaque("inv", campaign.campaign_id, ids.new_id())):
        refused += [("INVITE_UNKNOWN", "GetInviteReport", pb.GetInviteReportRequest(invite_id=invite))]
    for unknown in ("", "nonsense", ids.opaque("camp", ids.new_id()), ids.opaque("camp", other.campaign_id)):
        by_promoter = pb.GetPromoterReportRequest(campaign_id=unknown, promoter_id="nora")
        refused.append(("CAMPAIGN_UNKNOWN", "GetCampaignReport", pb.GetCampaignReportRequest(campaign_id=unknown)))
        refused.append(("CAMPAIGN_UNKNOWN", "GetPromoterReport", by_promoter))
        by_member = pb.GetMemberReportRequest(campaign_id=unknown, member_id="mei")
        refused.append(("CAMPAIGN_UNKNOWN", "GetMemberReport", by_member))
    async with served(engine) as channels:
        call = _caller(channels[SERVICE])
        for reason, method, request in refused:
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await call(method, request)
            status = rpc_status.from_call(cast("grpc.Call", failed.value))
            assert status is not None
            assert rejected_of(status).reason == reason


def _caller(channel: grpc.aio.Channel) -> Callable[[str, Any], Awaitable[Any]]:
    stub = TeamFormationStub(channel)
    metadata = (("authorization", f"Bearer {KEY}"),)
    return lambda method, request: getattr(stub, method)(request, metadata=metadata, timeout=10)


def _said(funnel: Funnel) -> reports_pb2.Funnel:
    return reports_pb2.Funnel(**asdict(funnel) | {"amount": _money(funnel.amount)})


def _money(minor_units: int) -> Money:
    return Money(minor_units=minor_units, currency="EUR")


async def _settled(engine: Engine) -> dict[UUID, int]:
    """Add up what each seat finally pays, in whichever way."""
    found: dict[UUID, int] = defaultdict(int)
    for event in await engine.pricing.settled():
        line = event.settlement_line_recorded.line
        charged = (line.to_capture, line.to_keep, line.due)
        found[_own("seat", line.seat_id)] += sum(money.minor_units for money in charged)
    return found


async def _owed(engine: Engine, campaign_id: UUID, settled: dict[UUID, int]) -> dict[ReportBy, Counter[str | None]]:
    """Add up what a campaign's seats pay, as its report splits it; by day only the whole."""
    owed: dict[ReportBy, Counter[str | None]] = {by: Counter() for by in ReportBy}
    seats = await engine.formation.rows(
        "SELECT s.seat_id, s.sku, i.channel, i.promoter_id, i.member_id FROM seats AS s LEFT JOIN invites AS i"
        " USING (campaign_id, invite_id) WHERE s.campaign_id = %s",
        campaign_id,
    )
    for seat_id, sku, channel, promoter, member in seats:
        for by, key in zip(ReportBy, (None, channel or "", promoter or "", sku, member or ""), strict=True):
            owed[by][key] += settled.get(seat_id, 0)
    return owed


def _own(prefix: str, text: str) -> UUID:
    return (ids.parse(prefix, text, 2) or ())[1]
