"""Slack's words: links shared, messages, buttons, slash commands.

https://docs.slack.dev/reference/events/link_shared: the event comes in the composer too, before anything is posted;
then `message_ts` is no time, and only `unfurl_id` with `source` answers it (https://docs.slack.dev/reference/methods/chat.unfurl).
"""

import html
import re
from collections.abc import Mapping
from typing import Any

from services.team_formation.hooks.json_values import at, items, read_object, text
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import Said, kept, said

NAME = "slack"
_MARKUP = re.compile(r"<(https?://[^<>|\s]{1,4096})(?:\|[^<>]{0,4096})?>")
_RESPONSE_URL = re.compile(r"https://hooks\.slack(?:-gov)?\.com/[A-Za-z0-9/_.-]{1,500}")
_GROUPS = {"channel": True, "group": True, "mpim": True, "im": False, "app_home": False}


def read(payload: bytes) -> Incoming | None:
    """Read an event, an interaction or a slash command."""
    value = read_object(payload) or {}
    kind = text(value, "type")
    if kind == "event_callback":
        return _event(value, at(value, "event"))
    if kind == "block_actions":
        return _button(value)
    return _command(value) if kind == "slash_command" else None


def _event(value: Mapping[str, Any], event: object) -> Incoming | None:
    kind = text(event, "type")
    if kind == "link_shared":
        return _shared(value, event)
    # What apps write themselves has a bot_id, and what has a subtype is an edit, a joining and the like.
    if kind not in {"message", "app_mention"} or text(event, "bot_id") or text(event, "subtype"):
        return None
    words = _said(text(event, "text"))
    channel, thread = text(event, "channel"), text(event, "thread_ts")
    reply = Reply(Way.SLACK_CHANNEL, _there({"channel": channel, "thread_ts": thread}))
    return Incoming(
        NAME,
        Kind.MESSAGE,
        app=text(value, "api_app_id"),
        space=text(value, "team_id"),
        sender=text(event, "user"),
        chat=channel,
        is_group=_GROUPS.get(text(event, "channel_type"), True if kind == "app_mention" else None),
        message=text(event, "ts"),
        said=words,
        reply=reply,
    )


def _shared(value: Mapping[str, Any], event: object) -> Incoming:
    unfurl, source = text(event, "unfurl_id"), text(event, "source")
    where = {"channel": text(event, "channel"), "ts": text(event, "message_ts")}
    link = {"unfurl_id": unfurl, "source": source} if unfurl and source else {}
    return Incoming(
        NAME,
        Kind.LINK,
        app=text(value, "api_app_id"),
        space=text(value, "team_id"),
        sender=text(event, "user"),
        chat=text(event, "channel"),
        message=text(event, "message_ts"),
        said=Said(links=kept(html.unescape(text(link, "url")) for link in items(event, "links"))),
        reply=Reply(Way.SLACK_UNFURL, {**where, **link}),
    )


def _button(value: Mapping[str, Any]) -> Incoming | None:
    action = at(value, "actions", 0)
    if action is None:
        return None
    words = said(text(action, "value") or text(action, "action_id"), is_sure=True)
    return Incoming(
        NAME,
        Kind.BUTTON,
        app=text(value, "api_app_id"),
        space=text(value, "team", "id"),
        sender=text(value, "user", "id"),
        chat=text(value, "container", "channel_id") or text(value, "channel", "id"),
        message=text(value, "container", "message_ts"),
        said=words,
        reply=_response(text(value, "response_url")),
    )


def _command(value: Mapping[str, Any]) -> Incoming:
    """Read a slash command: what is written behind it tells what to do, as in `/groupbuy status CODE`."""
    words = said(text(value, "text"), is_sure=True)
    return Incoming(
        NAME,
        Kind.COMMAND,
        app=text(value, "api_app_id"),
        space=text(value, "team_id"),
        sender=text(value, "user_id"),
        chat=text(value, "channel_id"),
        said=words,
        reply=_response(text(value, "response_url")),
    )


def _response(url: str) -> Reply | None:
    return Reply(Way.SLACK_RESPONSE_URL, {"url": url}) if _RESPONSE_URL.fullmatch(url) else None


def _said(marked: str) -> Said:
    """Read a text with Slack's markup: links in angle brackets, three characters escaped."""
    links = [html.unescape(link) for link in _MARKUP.findall(marked)]
    return said(html.unescape(_MARKUP.sub(r" \1 ", marked)).strip(), links)


def _there(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
