"""Plays every row of the campaigns' table in docs/team-states.md, and says what UpdateCampaign never breaks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.team_formation import domain
from services.team_formation.domain import (
    Campaign,
    CampaignCommand,
    CampaignDecision,
    CampaignState,
    Item,
    Level,
    Phase,
    Refusal,
    Update,
    change_campaign,
)
from tests.support.formation import START, a_campaign
from tests.support.tables import read_table

NOW = START + timedelta(hours=2)
LATEST = NOW + timedelta(hours=9)
STOCK = {"mango": Level(100, 40), "fig": Level(5, 5)}
ITEMS = (Item("mango", 3990, 100), Item("fig", 500, 5), Item("plum", 700))
ITEMS_ONLY = frozenset({"items"})
FIELDS = (
    "merchant_id",
    "currency",
    "starts_at",
    "ends_at",
    "latest_end",
    "external_ref",
    "presentation",
    "rules",
    "abuse_rules",
)
WORDS = frozenset(
    """
    - before-start past-end formed-too twice nothing other-item no-stock beyond-latest no-latest ends-sooner more-stock
    less-stock stock-below-taken new-item no-item-stock stock-for-unlimited comes-back sold at-version at-older-version
    ladder items
    """.split()  # noqa: SIM905 - a list of words is read more easily than a page of quotes
) | frozenset(FIELDS)


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    campaign: str
    command: str
    circumstance: str
    outcome: str
    campaign_after: str
    teams_looked_at: str


ROWS = [Row(**{name.replace(" ", "_"): cell for name, cell in row.items()}) for row in read_table("campaign")]


def test_the_table_has_every_command_in_every_state() -> None:
    assert {(row.campaign, row.command) for row in ROWS} == {
        (state, command) for state in CampaignState for command in COMMANDS
    }
    assert {word for row in ROWS for word in row.circumstance.split()} <= WORDS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.campaign}-{row.command}-{row.circumstance}")
def test_row(row: Row) -> None:
    words = set(row.circumstance.split())
    before = a_campaign_in(CampaignState(row.campaign), words)
    assert before.state(NOW) == row.campaign
    decision = change_campaign(before, STOCK, COMMANDS[row.command](before, words), NOW)
    if isinstance(decision, Refusal):
        assert (decision.reason, row.campaign_after, row.teams_looked_at) == (row.outcome, row.campaign, "no")
    else:
        assert row.outcome == "OK"
        assert decision.campaign.state(NOW) == row.campaign_after
        assert decision.sweeps == (row.teams_looked_at == "yes")
        assert decision.campaign.version == before.version + 1
        assert decision.campaign.ends_at > decision.campaign.starts_at


def test_a_row_that_is_not_true_is_noticed() -> None:
    row = next(row for row in ROWS if row.outcome == "PROMISE_BROKEN")
    with pytest.raises(AssertionError):
        test_row(replace(row, outcome="OK"))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    fields=st.frozensets(st.sampled_from([*FIELDS, "items", "ladder"]), min_size=1),
    phase=st.sampled_from(Phase),
    started=st.booleans(),
    stock=st.integers(0, 120),
    sold=st.frozensets(st.sampled_from(["plum"])),
)
def test_no_update_breaks_what_was_promised(
    fields: frozenset[str], phase: Phase, *, started: bool, stock: int, sold: frozenset[str]
) -> None:
    """Whatever is asked for: what members were told stands, and stock never falls below what is taken."""
    starts_at = NOW - timedelta(hours=1) if started else NOW + timedelta(hours=1)
    before = replace(a_campaign_in(CampaignState.RUNNING, set()), phase=phase, starts_at=starts_at)
    asked = Update(_with(before, fields, (Item("mango", 3990, stock), Item("plum", 700, stock))), fields, 0, sold)
    decision = change_campaign(before, STOCK, asked, NOW)
    if isinstance(decision, Refusal):
        return
    after, terms = decision.campaign, decision.campaign.terms
    assert decision.offered.get("mango", 100) >= STOCK["mango"].taken
    assert not sold & set(decision.offered)
    assert (terms.version == before.terms.version) == (not fields & {"items", "ladder", "rules", "currency"})
    if phase is not Phase.DRAFT:
        assert (after.merchant_id, after.currency) == (before.merchant_id, before.currency)
    if phase is Phase.PAUSED or (phase is Phase.PUBLISHED and started):
        assert (after.starts_at, after.ends_at, after.latest_end) == (
            before.starts_at,
            before.ends_at,
            before.latest_end,
        )


def test_an_item_that_is_taken_away_is_shown_no_longer() -> None:
    before = a_campaign_in(CampaignState.RUNNING, set())
    kept = done(change_campaign(before, STOCK, Update(_with(before, ITEMS_ONLY, ITEMS[:1]), ITEMS_ONLY), NOW))
    assert (kept.campaign.shown_sku, kept.fields) == ("mango", ("items",))
    gone = done(change_campaign(before, STOCK, Update(_with(before, ITEMS_ONLY, ITEMS[1:]), ITEMS_ONLY), NOW))
    assert (gone.campaign.shown_sku, gone.fields) == ("", ("items", "shown_sku"))


def test_a_cancellation_says_whom_it_reaches_and_why() -> None:
    before = a_campaign_in(CampaignState.RUNNING, set())
    decision = done(change_campaign(before, STOCK, domain.GiveUp(formed_too=True, reason="recall"), NOW))
    assert (decision.campaign.cancels_formed, decision.campaign.cancel_reason) == (True, "recall")


def test_a_host_moves_the_end_by_what_was_asked() -> None:
    before = a_campaign_in(CampaignState.RUNNING, set())
    longer = done(change_campaign(before, STOCK, domain.ExtendBy(timedelta(minutes=7)), NOW))
    assert longer.campaign.ends_at == before.ends_at + timedelta(minutes=7)
    closed = done(change_campaign(longer.campaign, STOCK, domain.CloseIn(), NOW))
    assert closed.campaign.ends_at == NOW + timedelta(seconds=60)
    more = done(change_campaign(closed.campaign, STOCK, domain.ReleaseUnits("mango", 11), NOW))
    assert more.offered == {"mango": 111}


def test_an_extension_reaches_the_latest_end_exactly() -> None:
    before = a_campaign_in(CampaignState.RUNNING, set())
    exact = done(change_campaign(before, STOCK, domain.ExtendBy(LATEST - before.ends_at), NOW))
    assert exact.campaign.ends_at == LATEST
    assert isinstance(change_campaign(exact.campaign, STOCK, domain.ExtendBy(timedelta(seconds=1)), NOW), Refusal)


def done(decision: CampaignDecision | Refusal) -> CampaignDecision:
    assert isinstance(decision, CampaignDecision)
    return decision


def a_campaign_in(state: CampaignState, words: set[str]) -> Campaign:
    """Make a campaign with mangoes and figs from a stock and plums without limit."""
    campaign = a_campaign(latest_end=LATEST, shown_sku="mango", version=5)
    campaign = replace(
        campaign, terms=replace(campaign.terms, items=ITEMS, version=3), ends_at=NOW + timedelta(hours=1)
    )
    if state is CampaignState.SCHEDULED or "before-start" in words:
        campaign = replace(campaign, starts_at=NOW + timedelta(minutes=30))
    if state is CampaignState.ENDED or "past-end" in words:
        campaign = replace(campaign, ends_at=NOW)
    if "ends-sooner" in words:
        campaign = replace(campaign, ends_at=NOW + timedelta(seconds=5))
    if "no-latest" in words:
        campaign = replace(campaign, latest_end=None)
    phase = next((phase for phase in Phase if phase.value == state.value), Phase.PUBLISHED)
    return replace(campaign, phase=phase, cancels_formed="twice" in words)


def _update(before: Campaign, words: set[str]) -> Update:
    names = frozenset(words & {*FIELDS, "items", "ladder"})
    fewer = (*ITEMS[:1], *ITEMS[2:])
    items = next((items for word, items in _ITEMS.items() if word in words), fewer)
    version = before.version if "at-version" in words else before.version - 1 if "at-older-version" in words else 0
    unlimited = frozenset({"plum", "kiwi"}) if "sold" in words else frozenset[str]()
    return Update(_with(before, names, items), names, version, unlimited)


_ITEMS = {
    "more-stock": (Item("mango", 3990, 140), *ITEMS[1:]),
    "less-stock": (Item("mango", 3990, 40), *ITEMS[1:]),
    "stock-below-taken": (Item("mango", 3990, 39), *ITEMS[1:]),
    "new-item": (*ITEMS, Item("kiwi", 900, 10)),
    "comes-back": (*ITEMS, Item("kiwi", 900, 10)),
    "no-item-stock": (Item("mango", 3990), *ITEMS[1:]),
    "stock-for-unlimited": (*ITEMS[:2], Item("plum", 700, 10)),
}


def _with(before: Campaign, names: frozenset[str], items: tuple[Item, ...]) -> Campaign:
    """Give the campaign with another value of each field that is named, as the RPC reads it."""
    shift = timedelta(minutes=1)
    other: dict[str, Any] = {
        "merchant_id": "another",
        "currency": "CNY",
        "external_ref": "another",
        "starts_at": before.starts_at + shift,
        "ends_at": before.ends_at + shift,
        "latest_end": None,
        "abuse_rules": (domain.AbuseRule(domain.Signal.OWN_INVITE, domain.AbuseAction.FLAG),),
        "presentation": replace(before.presentation, seller="another"),
    }
    wanted = replace(before, **{name: value for name, value in other.items() if name in names})
    terms = before.terms
    if "rules" in names:
        terms = replace(terms, rules=replace(terms.rules, maximum=terms.rules.maximum + 1))
    if "items" in names:
        terms = replace(terms, items=items)
    return replace(wanted, terms=terms)


COMMANDS: dict[str, Callable[[Campaign, set[str]], CampaignCommand]] = {
    "PublishCampaign": lambda _campaign, _words: domain.Publish(),
    "PauseCampaign": lambda _campaign, _words: domain.Pause(),
    "ResumeCampaign": lambda _campaign, _words: domain.Resume(),
    "CancelCampaign": lambda _campaign, words: domain.GiveUp(formed_too="formed-too" in words),
    "StartNow": lambda _campaign, _words: domain.StartNow(),
    "ShowItem": lambda _campaign, words: domain.ShowItem(_sku(words)),
    "ReleaseUnits": lambda _campaign, words: domain.ReleaseUnits(_sku(words), 5),
    "Extend": lambda _campaign, words: domain.ExtendBy(timedelta(hours=99 if "beyond-latest" in words else 1)),
    "Close": lambda _campaign, _words: domain.CloseIn(),
    "UpdateCampaign": _update,
}


def _sku(words: set[str]) -> str:
    if "nothing" in words:
        return ""
    return "kiwi" if "other-item" in words else "plum" if "no-stock" in words else "mango"
