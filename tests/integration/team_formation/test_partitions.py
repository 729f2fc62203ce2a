"""Each statement of a hot path names one campaign: on tables partitioned by it, a plan touches one partition."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.requests import NO_CAMPAIGN
from services.team_formation import domain, store
from services.team_formation.codes import hash_code
from services.team_formation.domain import LeaveUntil, OnFull, Visibility
from services.team_formation.handlers import Ask, Revoke
from tests.support.crowding import violations
from tests.support.formation import PLATFORM, Formation, a_campaign, a_formation
from tests.support.partitioned import Statement, Touched, partition, recorded, touched

APART = ("invite_codes",)
"""Finds the campaign of a code: distributed by the code."""
FINDERS = {
    "the look-up of codes": "FROM invite_codes AS c JOIN invites",
    "the scan for due teams": "FROM teams WHERE state IN ('FORMING', 'TIPPED') AND due_at <=",
    "the scan for campaigns to sweep": "FROM campaigns WHERE sweeping",
}
"""The exceptions, which only find ids."""
NOT_OURS = ("INSERT INTO outbox", "pg_notify")
RULES = {
    "on_full": OnFull.WAITLIST,
    "max_sponsored": 2,
    "max_units_per_member": 5,
    "max_teams_per_member": 4,
    "max_teams_opened_per_member": 4,
    "hold_extension": timedelta(minutes=5),
    "leave_after_formed": timedelta(hours=1),
    "visibility": Visibility.LISTED,
}
AGAINST_ABUSE = (
    domain.AbuseRule(domain.Signal.SEATS_PER_DEVICE, domain.AbuseAction.REFUSE, 2, domain.TAGS_KEPT),
    domain.AbuseRule(domain.Signal.SEATS_PER_ADDRESS, domain.AbuseAction.FLAG, 2, domain.TAGS_KEPT),
    domain.AbuseRule(domain.Signal.OWN_INVITE, domain.AbuseAction.FLAG),
    domain.AbuseRule(domain.Signal.JOINS_PER_INVITE, domain.AbuseAction.FLAG, 2, timedelta(minutes=1)),
)
TABLES = {
    "campaigns",
    "campaign_terms",
    "campaign_changes",
    "campaign_members",
    "stock",
    "tallies",
    "teams",
    "seats",
    "listed_teams",
    "late_payments",
    "seat_tags",
    "invite_rates",
    "invites",
    "invite_opens",
    "member_links",
    "chat_previews",
    "image_uses",
    "requests",
}


class Journal:
    """Everything that is asked on partitioned tables, and the statements of it."""

    def __init__(self, formation: Formation, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.on, self._clock, self._monkeypatch = formation, clock, monkeypatch
        self.statements: dict[str, list[Statement]] = {}

    async def note(self, name: str, call: Callable[[], Any]) -> Any:
        """Make a call and keep what it sent."""
        with recorded(self._monkeypatch) as found:
            answer = await call()
        self.statements.setdefault(name, []).extend(found)
        return answer

    async def play(self) -> None:
        """Have two campaigns live through everything; whatever is asked first of each was not in memory."""
        on = self.on
        for _ in range(2):
            rules: Any = {"maximum": 3, "minimum": 2, "stock": 50, "rules": RULES, "leave_until": LeaveUntil.ENDED}
            rules |= {"abuse_rules": AGAINST_ABUSE, "latest_end": a_campaign().ends_at + timedelta(days=1)}
            campaign = await on.create(a_campaign(**rules))
            await self._live(campaign)
        late = await on.create(a_campaign(maximum=2, rules={"on_full": OnFull.OPEN_TEAM}))
        team = (await on.open(late)).team.team_id
        await on.join(team, "tom")
        await self.note("join, the team is full", lambda: on.join(team, "lin"))
        await self.note("join, another team was opened before", lambda: on.join(team, "kim"))
        forming = await on.rows("SELECT campaign_id, team_id FROM teams WHERE state = 'FORMING'")
        assert len({campaign for campaign, _ in forming}) > 1
        await self.note("join several campaigns in one batch", lambda: self._join_all(forming))
        self._clock.move(timedelta(hours=2))
        await self.note("expiry and end", on.finder.run_once)

    async def _live(self, campaign: domain.Campaign) -> None:
        on = self.on
        opened = await self.note("open", lambda: on.open(campaign))
        team = opened.team.team_id
        tom = await self.note("join", lambda: on.join(team, "tom", quantity=2))
        lin = await on.join(team, "lin")
        kim = await self.note("wait", lambda: on.join(team, "kim"))
        await self.note("extend", lambda: on.extend(tom.seat))
        await self.note("confirm", lambda: on.confirm(opened.seat))
        await self.note("leave in part", lambda: on.leave(tom.seat, 1))
        await self.note("leave, the next is seated", lambda: on.leave(lin.seat))
        await self.note("sponsor, no room", lambda: self._refused(lambda: on.sponsor(team)))
        await self.note("leave", lambda: on.leave(kim.seat))
        await self.note("sponsor", lambda: on.sponsor(team))
        await on.confirm(tom.seat, amount=tom.seat.cap.minor_units)
        await self.note("withdraw", lambda: on.leave(tom.seat))
        await self.note("default", lambda: on.default(opened.seat))
        await self.note("pay late", lambda: on.confirm(lin.seat, "late"))
        await self.note("cancel a team", lambda: on.cancel(team))
        await self._others(campaign)

    async def _others(self, campaign: domain.Campaign) -> None:
        on = self.on
        opened = await on.open(campaign)
        team = opened.team.team_id
        ids_of_team, ids_of_seat = ids.parse("team", team, 2) or (), ids.parse("seat", opened.seat.seat_id, 2) or ()
        invite = domain.NewInvite(ids.new_id(), "", "promoter-1", "wechat", "", "", None)
        await self.note("invite", lambda: on.on_team("CreateInvite", invite, team))
        marks = domain.Marks(b"phone", b"office")
        await self.note("join by an invite", lambda: on.join(team, "tom", invite_id=invite.invite_id, marks=marks))
        revoke = Ask(PLATFORM, campaign.campaign_id, Revoke(invite.invite_id), on.key("Revoke", campaign.campaign_id))
        await self.note("revoke", lambda: on.commands.submit(revoke))
        await self.note("find a team", lambda: self._read(store.find_team, *ids_of_team))
        await self.note("find a seat", lambda: self._read(store.find_seat, *ids_of_seat))
        codes = [hash_code(on.codes.code(invite.invite_id)) or b""]
        await self.note("find a code", lambda: self._find_doors(codes))
        self._clock.move(timedelta(minutes=10))
        await self.note("expiry", on.finder.run_once)
        await self.note("change a campaign", lambda: on.change(campaign, domain.ReleaseUnits("mango", 2)))
        await self.note("sweep", on.sweeper.run_once)

    async def _join_all(self, teams: list[tuple[Any, ...]]) -> None:
        asks = []
        for campaign_id, team_id in teams:
            join = domain.Join(ids.new_id(), "sol", "mango", 1)
            asks.append(Ask(PLATFORM, campaign_id, join, self.on.key("JoinTeam", campaign_id), team_id))
        await self.on.handler.decide(asks)

    async def _read(self, find: Any, campaign_id: Any, row_id: Any) -> None:
        async with self.on.database.read() as connection:
            assert await find(connection, PLATFORM, campaign_id, row_id)

    async def _find_doors(self, codes: list[bytes]) -> None:
        async with self.on.database.read() as connection:
            assert await (await store.find_doors(connection, codes)).all()

    async def _refused(self, call: Callable[[], Any]) -> None:
        with pytest.raises(Exception, match="TEAM_FULL"):
            await call()


async def test_hot_statements_touch_one_partition(
    url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, counts: Callable[..., None]
) -> None:
    assert await partition(url, APART) == TABLES
    async with a_formation(url, clock) as formation:
        journal = Journal(formation, clock, monkeypatch)
        await journal.play()
        assert await violations(formation) == {}
    assert all(journal.statements.values())
    spread: dict[str, set[str]] = {}
    seen: set[str] = set()
    plans = 0
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for name, statements in journal.statements.items():
            for statement in statements:
                if not statement.is_planned or any(words in statement.text for words in NOT_OURS):
                    continue
                plan = await touched(connection, statement, TABLES)
                plans += 1
                seen |= plan.tables
                if not in_one_place(plan):
                    spread.setdefault(finder_of(statement) or f"{name}: {statement.text}", set()).add(name)
    assert spread.keys() == FINDERS.keys()
    # tallies are asked where the campaign fills the ladder, the others by pages and chats
    assert seen >= TABLES - {"invite_opens", "member_links", "chat_previews", "tallies", "image_uses"}
    counts(statements_planned=plans, kinds=len(journal.statements), finders=len(FINDERS))


async def test_a_statement_that_names_no_campaign_is_noticed(url: str) -> None:
    await partition(url, APART)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        everywhere = await touched(connection, Statement("SELECT FROM seats WHERE member_id = %s", ("tom",)), TABLES)
        here = await touched(connection, Statement("SELECT FROM seats WHERE campaign_id = %s", (NO_CAMPAIGN,)), TABLES)
        two = "SELECT FROM seats AS s JOIN teams AS t USING (team_id) WHERE s.campaign_id = %s AND t.campaign_id = %s"
        elsewhere = await touched(connection, Statement(two, (ids.new_id(), ids.new_id())), TABLES)
    assert not in_one_place(everywhere)
    assert in_one_place(here)
    assert elsewhere.tables == {"seats", "teams"}


def in_one_place(plan: Touched) -> bool:
    """Tell whether a plan looks at one partition, the same of each table."""
    return len(plan.partitions) <= 1 and not plan.wholes


def finder_of(statement: Statement) -> str | None:
    """Give the name of the finder that a statement is, if it is one."""
    return next((name for name, words in FINDERS.items() if words in statement.text), None)
