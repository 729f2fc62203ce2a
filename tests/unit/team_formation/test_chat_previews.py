"""Previews that a service waits for: a card of a real platform, nothing of a test twin."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.chassis.twins import twin_of
from services.team_formation.chats.apps import App
from services.team_formation.chats.cards import Card
from services.team_formation.chats.noting import Answered
from services.team_formation.chats.previews import FEISHU_PREVIEW, Previews
from services.team_formation.hooks.call import Event
from services.team_formation.hooks.reading.incoming import Incoming
from services.team_formation.hooks.registry import SERVICES
from tests.support.hook_calls import FEISHU_PREVIEW as ASKED

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PLATFORM = uuid4()


async def test_a_preview_of_a_test_twin_is_seen_by_nobody() -> None:
    real, told = await answered(PLATFORM)
    assert (real["inline"]["i18n_title"]["en_us"], len(told)) == ("Tea · 7.50", 1)
    assert await answered(twin_of(PLATFORM, 1)) == ({}, [])


async def answered(platform_id: UUID) -> tuple[dict[str, dict[str, dict[str, str]]], list[Answered]]:
    told: list[Answered] = []

    async def find(_platform_id: UUID, _incoming: Incoming) -> tuple[Card, ...]:
        return (
            Card("https://shop.example/i/1", "Tea", ("2 joined", "7.50"), "", "Join", "https://shop.example", "en"),
        )

    def note(answer: Answered, _incoming: Incoming, _cards: Sequence[Card]) -> None:
        told.append(answer)

    app = App("app", platform_id, SERVICES["feishu"], None)
    answer = await Previews(find, note).answer(app, Event("1", FEISHU_PREVIEW, json.dumps(ASKED).encode()), NOW)
    assert answer
    return json.loads(answer.body), told
