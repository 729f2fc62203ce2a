"""Feishu's and Lark's words: previews of links, messages to the bot, buttons on cards, joining a chat.

https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/development-link-preview/pull-link-preview-data-callback-structure
(answered within three seconds, and asked again by each device that shows the message),
https://open.feishu.cn/document/server-docs/im-v1/message/events/receive and
https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-callback-communication.
"""

from collections.abc import Mapping
from typing import Any

from services.team_formation.hooks.json_values import at, read_object, text
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import Said, kept, said

NAME = "feishu"


def read(payload: bytes) -> Incoming | None:
    """Read an event or a callback (schema 2.0)."""
    value = read_object(payload) or {}
    event, kind = at(value, "event"), text(value, "header", "event_type")
    if kind == "url.preview.get":
        return _preview(value, event)
    if kind == "im.message.receive_v1":
        return _message(value, event)
    if kind == "card.action.trigger":
        return _button(value, event)
    moved = {"im.chat.member.bot.added_v1": Kind.ADDED, "im.chat.member.bot.deleted_v1": Kind.REMOVED}.get(kind)
    return _moved(value, event, moved) if moved else None


def _preview(value: Mapping[str, Any], event: object) -> Incoming:
    token = text(event, "context", "preview_token")
    return Incoming(
        NAME,
        Kind.LINK,
        app=text(value, "header", "app_id"),
        space=text(value, "header", "tenant_key"),
        sender=text(event, "operator", "open_id"),
        chat=text(event, "context", "open_chat_id"),
        message=text(event, "context", "open_message_id"),
        said=Said(links=kept((text(event, "context", "url"),))),
        reply=Reply(Way.FEISHU_PREVIEW, {"preview_token": token}),
    )


def _message(value: Mapping[str, Any], event: object) -> Incoming | None:
    if text(event, "sender", "sender_type") not in {"user", ""}:
        return None
    content = read_object(text(event, "message", "content").encode())
    words = said(text(content, "text"))
    chat, message = text(event, "message", "chat_id"), text(event, "message", "message_id")
    return Incoming(
        NAME,
        Kind.MESSAGE,
        app=text(value, "header", "app_id"),
        space=text(value, "header", "tenant_key"),
        sender=text(event, "sender", "sender_id", "open_id"),
        chat=chat,
        is_group=text(event, "message", "chat_type") != "p2p",
        message=message,
        said=words,
        reply=Reply(Way.FEISHU_MESSAGE, {"message_id": message, "chat_id": chat}),
    )


def _button(value: Mapping[str, Any], event: object) -> Incoming:
    """Read a button; the card has put its command there as `value`, or as `command` within it."""
    words = said(text(event, "action", "value") or text(event, "action", "value", "command"), is_sure=True)
    chat, message = text(event, "context", "open_chat_id"), text(event, "context", "open_message_id")
    return Incoming(
        NAME,
        Kind.BUTTON,
        app=text(value, "header", "app_id"),
        space=text(value, "header", "tenant_key"),
        sender=text(event, "operator", "open_id"),
        chat=chat,
        message=message,
        said=words,
        reply=Reply(Way.FEISHU_CARD, {"token": text(event, "token"), "message_id": message, "chat_id": chat}),
    )


def _moved(value: Mapping[str, Any], event: object, kind: Kind) -> Incoming:
    return Incoming(
        NAME,
        kind,
        app=text(value, "header", "app_id"),
        space=text(value, "header", "tenant_key"),
        sender=text(event, "operator_id", "open_id"),
        chat=text(event, "chat_id"),
        is_group=True,
    )
