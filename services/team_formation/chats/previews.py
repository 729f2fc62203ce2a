"""Answers that a service waits for: Feishu (and Lark) ask what to show in the place of a link.

https://open.larkoffice.com/document/uAjLw4CM/ukzMukzMukzM/development-link-preview/pull-link-preview-data-callback-structure:
`inline` is the line in the message, `card` what stands below it; the answer is due within three seconds, and every
device that shows the message asks again. What is kept is what it takes to have it asked again when its team changes.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis.twins import is_test
from services.team_formation.chats.apps import App
from services.team_formation.chats.cards import Card
from services.team_formation.chats.noting import Answered
from services.team_formation.hooks.call import JSON, Answer, Event
from services.team_formation.hooks.reading.incoming import Incoming

FEISHU_PREVIEW = "url.preview.get"
_LONGEST_TITLE = 200

Find = Callable[[UUID, Incoming], Awaitable[tuple[Card, ...]]]
"""Finds the cards of the invites that somebody named."""

Note = Callable[[Answered, Incoming, Sequence[Card]], None]
"""Has what was shown followed, without waiting."""


class Previews:
    """Answers what has to be answered at once."""

    def __init__(self, find: Find, note: Note) -> None:
        self._find = find
        self._note = note

    async def answer(self, app: App, event: Event, at: datetime) -> Answer | None:
        """Answer an event that came at a time; None where that can wait. Nobody in a chat sees a test twin's card."""
        if app.service.name != "feishu" or event.kind != FEISHU_PREVIEW:
            return None
        if is_test(app.platform_id):
            return Answer(200, json.dumps({}).encode(), JSON)
        incoming = app.service.read(event.payload)
        cards = await self._find(app.platform_id, incoming) if incoming else ()
        if incoming and cards:
            self._note(Answered(app.app_id, app.platform_id, at), incoming, cards[:1])
        return Answer(200, json.dumps(_feishu(cards[0]) if cards else {}, ensure_ascii=False).encode(), JSON)


def _feishu(card: Card) -> dict[str, Any]:
    line = " · ".join((card.title, *card.lines[1:2]))[:_LONGEST_TITLE]
    texts = [{"tag": "div", "text": _plain(text)} for text in card.lines]
    note = [{"tag": "note", "elements": [_plain(card.footer)]}] if card.footer else []
    button = {"tag": "button", "type": "primary", "text": _plain(card.button_label), "url": card.button_url}
    return {
        "inline": {"i18n_title": {"zh_cn": line, "en_us": line}},
        "card": {
            "type": "raw",
            "data": {
                "header": {"title": _plain(card.title[:_LONGEST_TITLE])},
                "elements": [*texts, {"tag": "action", "actions": [button]}, *note],
            },
        },
    }


def _plain(text: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": text}
