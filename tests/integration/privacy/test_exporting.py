"""ExportMember: all that the services hold of a member, in pages; nothing of others, and nothing after the erasure."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from google.protobuf.json_format import MessageToDict

from services.chassis.retention import rules
from services.notification.store.exporting import sections as notification_sections
from services.pricing.store.exporting import SECTIONS as PRICING_SECTIONS
from services.team_formation.store.exporting import sections as formation_sections
from tests.support.database import Database
from tests.support.erasing import ADDRESS, BUYER, LABEL, NOTE, Town, a_town, live, refusal

COPIES = {
    "requests": "answers to calls, which say what is in other tables",
    "outbox": "events, which say what is in other tables",
    "parked_messages": "events, which say what is in other tables",
    "platform_events": "events, which say what is in other tables",
    "fanout_jobs": "events, which say what is in other tables",
    "webhook_attempts": "what endpoints of the platform answered",
    "seats in notification": "a copy of team_formation's",
    "settlement_jobs": "until its lines are made, some seconds later",
    "hook_calls": "of a chat, until it is worked; what was said of a member is in member_messages then",
    "chat_previews": "where a card stands in a chat; no member is named",
    "erased_members": "of who is erased there is nothing to be exported",
}
"""Tables that hold something of people and are not exported, and why."""


def test_all_that_is_held_is_exported_or_a_copy() -> None:
    as_it_is = dict
    exported = {
        "team_formation": formation_sections(as_it_is),
        "pricing": PRICING_SECTIONS,
        "notification": notification_sections(as_it_is, as_it_is, as_it_is),
    }
    for service, sections in exported.items():
        tables = {table for section in sections for table in section.tables or (section.kind,)}
        holding = {rule.table for rule in rules(service).values() if rule.holds}
        left = {table for table in holding - tables if not {table, f"{table} in {service}"} & set(COPIES)}
        assert left == set(), service
        assert tables <= holding, service


async def export(town: Town, member_id: str, size: int) -> list[tuple[str, str, str]]:
    """Read every page: service, kind and what is written."""
    found, token = list[tuple[str, str, str]](), ""
    while True:
        page = await town.export(member_id, size, token)
        assert len(page.records) <= size
        found += [(one.service, one.kind, str(MessageToDict(one.data))) for one in page.records]
        token = page.next_page_token
        if not token:
            return found


async def test_a_member_gets_all_that_is_held_and_nothing_of_others(
    database: Database, counts: Callable[..., None]
) -> None:
    async with a_town(database) as town:
        await live(town)
        town.engine.formation.clock.move(timedelta(hours=2))
        await town.engine.formation.finder.run_once()
        await town.carry()
        held = await export(town, BUYER, 100)
        text = str(held)
        kinds = {(service, kind) for service, kind, _ in held}
        assert {
            ("team_formation", "seats"),
            ("team_formation", "invites"),
            ("pricing", "settlement_lines"),
            ("pricing", "beneficiary_lines"),
            ("notification", "contact_points"),
            ("notification", "deliveries"),
        } <= kinds
        for word in (ADDRESS, LABEL, NOTE):
            assert word in text
        assert not any(f"'{word}'" in text for word in ("tom", "ben", "ann", "pay-ann", "pay-ben"))
        assert sorted(await export(town, BUYER, 2)) == sorted(held)
        assert await export(town, "somebody-else", 100) == []
        await town.erase()
        await town.carry()
        await town.erasers()
        assert await export(town, BUYER, 100) == []
        counts(records=len(held), kinds=len(kinds))


@pytest.mark.parametrize("token", ["x", "MA"])
async def test_a_token_of_another_list_is_refused(database: Database, token: str) -> None:
    async with a_town(database) as town:
        await live(town)
        first = await town.export(BUYER, 1, "")
        assert await refusal(town.export("tom", 1, first.next_page_token)) == "PAGE_TOKEN_INVALID"
        assert await refusal(town.export(BUYER, 1, token)) == "PAGE_TOKEN_INVALID"
        assert await refusal(town.export(BUYER, 101, "")) == "INVALID_ARGUMENT"
