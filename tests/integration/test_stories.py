"""`groupbuy explain` and `groupbuy why` on three services: what they print, and what a buyer does not see."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from deploy.verify.verifier import verify
from services.chassis import ids
from services.team_formation import domain
from tests.support.command_line import Run, on_the_command_line
from tests.support.database import Database
from tests.support.engine import Engine
from tests.support.formation import a_campaign


@dataclass
class Town:
    """An engine with one formed team of Mei, Tom and Ann: Ann came by a promoter's invite, Tom gave a unit back."""

    engine: Engine
    run: Run
    campaign: domain.Campaign
    tom: Any
    ann: Any
    invite: Any


@pytest.fixture
async def town(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Town]:
    async with on_the_command_line(database, monkeypatch, tmp_path) as (engine, run):
        formation = engine.formation
        campaign = await formation.create(discounted(a_campaign(leave_until=domain.LeaveUntil.ENDED)))
        opened = await formation.open(campaign)
        await formation.confirm(opened.seat, "pay-mei")
        team_id = opened.team.team_id
        made = (await formation.create_invite(team_id, "nora")).invite
        tom = (await formation.join(team_id, "tom", quantity=3, external_ref="order-7")).seat
        await formation.confirm(tom, "pay-tom")
        invite_id = (ids.parse("inv", made.invite_id, 2) or ())[1]
        ann = (await formation.join(team_id, "ann", invite_id=invite_id)).seat
        await formation.confirm(ann, "pay-ann")
        await formation.leave(tom, 1)
        formation.clock.move(timedelta(hours=2))
        await formation.finder.run_once()
        await engine.carry()
        yield Town(engine, run, campaign, tom, ann, made)


def discounted(campaign: domain.Campaign) -> domain.Campaign:
    """Say of every step what it takes off, as a compiled table does."""
    table = campaign.terms.price_table
    rows = tuple(replace(row, steps=tuple(map(fixed, row.steps))) for row in table.rows)
    return replace(campaign, terms=replace(campaign.terms, price_table=replace(table, rows=rows)))


def fixed(step: domain.PriceStep) -> domain.PriceStep:
    discount = domain.Discount("fixed_price", step.unit_price) if step.threshold else None
    return replace(step, discount=discount)


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.output.splitlines()]


async def test_a_price_is_explained_with_its_numbers_and_verified(town: Town) -> None:
    told = lines(await town.run("explain", town.tom.seat_id, "--verify"))
    assert told[0].startswith("3 members are confirmed; from 3 on one unit costs 29.90 EUR")
    assert "cap 34.90 EUR, read at fill 2" in told
    assert "price 29.90 EUR x 2 = 59.80 EUR, final" in told
    assert any(line.startswith("team formed: 2 units at 29.90 EUR; paid 69.80 EUR") for line in told)
    assert told[-1] == "verified: the same to the cent"


async def test_an_explanation_as_json_is_what_verifiers_read(town: Town) -> None:
    result = await town.run("explain", town.ann.seat_id, "--json", "--language", "zh-CN")
    explanation = json.loads(result.output)
    assert explanation["sentence"].startswith("已有3人确认")
    assert verify(explanation)[1] == []
    team = await town.run("explain", town.tom.team_id, "--version", "3", "--json")
    computed, differences = verify(json.loads(team.output))
    assert (differences, computed["prices"][1]["unitPrice"]) == ([], 3990)


async def test_the_whole_story_of_an_order(town: Town) -> None:
    told = lines(await town.run("why", "order-7"))
    assert told == lines(await town.run("why", town.tom.seat_id))
    assert told == lines(await town.run("why", "order-7", "--campaign", ids.opaque("camp", town.campaign.campaign_id)))
    assert told[0] == f"{town.tom.seat_id} of tom, order order-7"
    story = "\n".join(told)
    parts = [
        "the team was opened by mei",
        "held for 3 units of mango as member until",
        "cap 34.90 EUR, read at fill 2",
        "confirmed with 104.70 EUR, reference pay-tom",
        "the price fell from 39.90 EUR to 34.90 EUR: fill 2 instead of 1 (SeatConfirmed)",
        "the team reached its minimum",
        "the price fell from 34.90 EUR to 29.90 EUR: fill 3 instead of 2 (SeatConfirmed)",
        "1 unit given back, 2 kept",
        "settled, seat reduced: 1 unit at 0.00 EUR; paid 34.90 EUR, to refund 34.90 EUR",
        "the team formed: prices are final",
        "settled, team formed: 2 units at 29.90 EUR; paid 69.80 EUR, to keep 59.80 EUR, to refund 10.00 EUR",
        "messages",
        "joined: suppressed (the member is not registered)",
        "\n3 members are confirmed; from 3 on one unit costs 29.90 EUR",
    ]
    at = [story.find(part) for part in parts]
    assert -1 not in at, [part for part, found in zip(parts, at, strict=True) if found < 0]
    assert at == sorted(at)
    assert "ann" not in story


async def test_a_buyer_sees_no_references_no_other_members_and_no_notes(town: Town) -> None:
    told = "\n".join(lines(await town.run("why", town.ann.seat_id, "--buyer")))
    assert "confirmed with 29.90 EUR" in told
    assert "settled, team formed" in told
    for secret in ("pay-", "mei", "tom", "nora", town.invite.invite_id, "order-7"):
        assert secret not in told, secret


async def test_what_an_invite_brought(town: Town) -> None:
    told = lines(await town.run("why", town.invite.invite_id))
    assert "by promoter nora for wechat" in told[0]
    assert f"leads to {town.tom.team_id}: formed, 3 confirmed of at most 5" in told
    assert any(line.startswith("brought 0 looks, 1 joined, 1 confirmed, 1 formed") for line in told)
    assert told[-1].startswith(f"{town.ann.seat_id} ann: confirmed, 1 unit of mango")
    buyer = "\n".join(lines(await town.run("why", town.invite.code, "--buyer")))
    assert "leads to" in buyer
    assert "nora" not in buyer
    assert "ann" not in buyer


async def test_what_is_not_there_is_told_in_two_lines(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    result = await town.run("why", "order-8")
    assert (result.exit_code, "is no seat, order or invite of this platform" in result.output) == (1, True)
    assert "is no seat" in (await town.run("why", "0123456789AB")).output
    unknown = await town.run("explain", ids.opaque("seat", town.campaign.campaign_id, town.campaign.campaign_id))
    assert (unknown.exit_code, "NOT_FOUND" in unknown.output) == (1, True)
    monkeypatch.setenv("GROUPBUY_PLATFORM_KEY", "gbk_shop_wrong")
    assert "Set GROUPBUY_PLATFORM_KEY" in (await town.run("explain", town.tom.seat_id)).output
    monkeypatch.delenv("GROUPBUY_PLATFORM_KEY")
    assert "GROUPBUY_PLATFORM_KEY is not set" in (await town.run("why", town.tom.seat_id)).output
