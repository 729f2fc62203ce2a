"""Telegram's words: messages with their entities, /start with a deep link's word, buttons, joining and leaving.

https://core.telegram.org/bots/api#message and #messageentity (offsets count UTF-16 code units), #callbackquery,
#chatmemberupdated; https://core.telegram.org/bots/features#deep-linking: `start` has 1 to 64 of A-Z, a-z, 0-9, _ and -.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from services.team_formation.hooks.json_values import at, items, number, read_object, text
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import Command, said

NAME = "telegram"
_MOST_ENTITIES = 100
_HERE = {"member", "administrator", "creator", "restricted"}
_GONE = {"left", "kicked"}


def read(payload: bytes) -> Incoming | None:
    """Read an update."""
    value = read_object(payload) or {}
    if at(value, "message") is not None:
        return _message(at(value, "message"))
    if at(value, "callback_query") is not None:
        return _button(at(value, "callback_query"))
    return _moved(at(value, "my_chat_member")) if "my_chat_member" in value else None


def _message(message: object) -> Incoming | None:
    if at(message, "from", "is_bot") is True:
        return None
    field = "text" if text(message, "text") else "caption"
    entities = items(message, "entities" if field == "text" else "caption_entities")
    words = said(text(message, field), _marked(text(message, field), entities))
    chat = text(message, "chat", "id")
    return Incoming(
        NAME,
        Kind.COMMAND if words.command is Command.START else Kind.MESSAGE,
        sender=text(message, "from", "id"),
        chat=chat,
        is_group=_is_group(message, at(message, "from")),
        message=text(message, "message_id"),
        said=words,
        language=text(message, "from", "language_code", longest=16),
        reply=Reply(Way.TELEGRAM, {"chat_id": chat, "message_id": text(message, "message_id")}),
    )


def _marked(written: str, entities: list[Any]) -> Iterator[str]:
    """Give the links that Telegram has marked: as they stand in the text, or behind words of it."""
    units = written.encode("utf-16-le", "replace")
    for entity in entities[:_MOST_ENTITIES]:
        kind, start, length = text(entity, "type"), number(entity, "offset"), number(entity, "length")
        if kind == "text_link":
            yield text(entity, "url")
        elif kind == "url" and start is not None and length is not None and start >= 0 and length > 0:
            link = units[2 * start : 2 * (start + length)].decode("utf-16-le", "replace")
            yield link if "://" in link else f"https://{link}"


def _button(query: object) -> Incoming:
    words = said(text(query, "data"), is_sure=True)
    message = at(query, "message")
    chat, message_id = text(message, "chat", "id"), text(message, "message_id")
    values = {"chat_id": chat, "message_id": message_id, "callback_query_id": text(query, "id")}
    return Incoming(
        NAME,
        Kind.BUTTON,
        sender=text(query, "from", "id"),
        chat=chat,
        is_group=_is_group(message, at(query, "from")),
        message=message_id,
        said=words,
        language=text(query, "from", "language_code", longest=16),
        reply=Reply(Way.TELEGRAM, values),
    )


def _moved(update: object) -> Incoming | None:
    status = text(update, "new_chat_member", "status")
    if status not in _HERE | _GONE:
        return None
    chat = text(update, "chat", "id")
    return Incoming(
        NAME,
        Kind.ADDED if status in _HERE else Kind.REMOVED,
        sender=text(update, "from", "id"),
        chat=chat,
        is_group=_is_group(update, at(update, "from")),
        language=text(update, "from", "language_code", longest=16),
        reply=Reply(Way.TELEGRAM, {"chat_id": chat}) if status in _HERE else None,
    )


def _is_group(value: Mapping[str, Any] | object, sender: object) -> bool | None:
    """Tell whether others read along. A private chat has the number of the person in it; no other is taken for one."""
    kind = text(value, "chat", "type")
    if not kind:
        return None
    return kind != "private" or text(value, "chat", "id") != text(sender, "id")
