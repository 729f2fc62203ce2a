"""EraseMember while others write of the same member: nobody waits in a ring, nothing is left, and no id comes back."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from groupbuy.notification.v1 import chats_pb2
from groupbuy.team_formation.v1 import importing_pb2, promoter_links_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import erased_rows
from services.chassis.errors import Rejected
from services.team_formation import store, translate
from services.team_formation.store import erasing
from tests.support.database import Database
from tests.support.erasing import BUYER, METADATA, Town, a_town, refusal
from tests.support.formation import PLATFORM, START
from tests.support.until import until

ROUNDS = 20
LATE_PAYMENTS = 6
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def test_payments_that_come_late_while_a_member_is_erased_stop_no_erasure(database: Database) -> None:
    async with a_town(database) as town:
        formation = town.engine.formation
        for nth in range(ROUNDS):
            member = f"late-payer-{nth}-x"
            opened = await formation.open(town.campaign, f"host-{nth}-x")
            seat = (await formation.join(opened.team.team_id, member)).seat
            await formation.leave(seat)

            async def pay(seat: Any, nth: int) -> None:
                for number in range(LATE_PAYMENTS):
                    with suppress(Rejected):
                        await formation.confirm(seat, f"late-{nth}-{number}")

            await asyncio.gather(town.erase(f"erase-{nth}", member), pay(seat, nth))
        while await town.engine.erase():
            pass
        assert await formation.rows("SELECT member_id FROM erased_members WHERE member_id IS NOT NULL") == []
        assert await formation.rows("SELECT member_id FROM campaign_members WHERE member_id LIKE 'late-payer%%'") == []


async def test_a_batch_and_the_replacing_of_rows_do_not_wait_for_each_other_in_a_ring(database: Database) -> None:
    async with a_town(database) as town:
        formation, campaign_id = town.engine.formation, town.campaign.campaign_id
        opened = await formation.open(town.campaign, "ann")
        await formation.leave((await formation.join(opened.team.team_id, BUYER)).seat)
        [(seat_id, team_id)] = await formation.rows(f"SELECT seat_id, team_id FROM seats WHERE member_id = '{BUYER}'")  # noqa: S608 - ours
        now = formation.clock.now()
        me = erased_rows.Erased(PLATFORM, f"erased-{0:024}", now, now, (campaign_id,), BUYER)
        has_members, go_on = asyncio.Event(), asyncio.Event()

        async def batch() -> None:
            async with formation.database.work() as work:
                await store.lock_members(work.connection, [(PLATFORM, campaign_id, [], [seat_id])])
                await (await work.connection.execute("SELECT 1")).fetchall()
                has_members.set()
                await go_on.wait()
                await work.connection.execute("SELECT FROM teams WHERE team_id = %s FOR UPDATE", (team_id,))

        async def replaced() -> None:
            async with formation.database.work() as work:
                await erasing.replace_member(work.connection, me)

        first = asyncio.create_task(batch())
        await has_members.wait()
        second = asyncio.create_task(replaced())
        await until(lambda: formation.rows(WAITING))
        go_on.set()
        await asyncio.gather(first, second)


def a_team(town: Town, member_id: str) -> importing_pb2.ImportTeamsRequest:
    """A team of another system with one seat."""

    def written(minutes: int) -> str:
        when: datetime = START + timedelta(minutes=minutes)
        return when.isoformat().replace("+00:00", "Z")

    seat = {
        "external_ref": "order-1",
        "member_id": member_id,
        "held_at": written(1),
        "cap": {"minor_units": 3990, "currency": "EUR"},
        "hold_until": written(45),
    }
    team = {
        "campaign_id": translate.campaign_id(town.campaign.campaign_id),
        "external_ref": "group-1",
        "opened_at": written(1),
        "ends_at": written(300),
        "seats": [seat],
    }
    return ParseDict({"teams": [team]}, importing_pb2.ImportTeamsRequest())


@pytest.mark.parametrize("check_only", [True, False])
async def test_an_import_brings_no_erased_member_back(database: Database, *, check_only: bool) -> None:
    async with a_town(database) as town:
        town.engine.formation.clock.move(timedelta(minutes=30))
        await town.erase()
        request = a_team(town, BUYER)
        request.check_only = check_only
        [result] = (await town.formation.ImportTeams(request, metadata=METADATA)).results
        assert result.refused.reason == "MEMBER_ERASED"
        assert await town.engine.formation.rows("SELECT 1 FROM seats") == []
        other = a_team(town, "somebody-else")
        [result] = (await town.formation.ImportTeams(other, metadata=METADATA)).results
        assert result.imported.seats == 1


async def test_no_call_writes_of_an_erased_member(database: Database) -> None:
    async with a_town(database) as town:
        await town.erase()
        await town.carry()
        await town.erasers()
        campaign_id = translate.campaign_id(town.campaign.campaign_id)
        pause = pb.PauseCampaignRequest(request_id="pause", campaign_id=campaign_id, actor=BUYER)
        link = promoter_links_pb2.GetPromoterLinkRequest(promoter_id=BUYER)
        links_back = promoter_links_pb2.RevokePromoterLinkRequest(promoter_id=BUYER)
        calls: dict[str, Awaitable[Any]] = {
            "promoter's link": town.formation.GetPromoterLink(link, metadata=METADATA),
            "links taken back": town.formation.RevokePromoterLink(links_back, metadata=METADATA),
            "code for a chat": town.notification.MakeChatCode(
                chats_pb2.MakeChatCodeRequest(member_id=BUYER), metadata=METADATA
            ),
            "actor": town.formation.PauseCampaign(pause, metadata=METADATA),
        }
        assert {name: await refusal(call) for name, call in calls.items()} == dict.fromkeys(calls, "MEMBER_ERASED")
