"""Discord's words: slash commands with their options, buttons, being added to a server.

https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object and
https://docs.discord.com/developers/events/webhook-events. That a link was posted is not told over HTTP.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from services.team_formation.hooks.json_values import at, items, read_object, text
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import said

NAME = "discord"
_COMMAND, _COMPONENT, _MODAL = 2, 3, 5
_KINDS = {_COMMAND: Kind.COMMAND, _COMPONENT: Kind.BUTTON, _MODAL: Kind.BUTTON}
_EVENTS = {"APPLICATION_AUTHORIZED": Kind.ADDED, "APPLICATION_DEAUTHORIZED": Kind.REMOVED}
_DEEPEST_OPTIONS = 3
"""A command, a group of subcommands, a subcommand: more does not exist."""


def read(payload: bytes) -> Incoming | None:
    """Read an interaction or a webhook event."""
    value = read_object(payload) or {}
    if "event" in value and "token" not in value:
        return _event(value)
    number = at(value, "type")
    kind = _KINDS.get(number) if isinstance(number, int) else None
    if kind is None:
        return None
    written = " ".join(_words(at(value, "data"))) if kind is Kind.COMMAND else text(value, "data", "custom_id")
    words = said(written, is_sure=True)
    names = {"id": "id", "token": "token", "application_id": "application_id"}
    return Incoming(
        NAME,
        kind,
        app=text(value, "application_id"),
        space=text(value, "guild_id"),
        sender=text(value, "member", "user", "id") or text(value, "user", "id"),
        chat=text(value, "channel_id"),
        is_group=bool(text(value, "guild_id")) or text(value, "context") == "2",
        message=text(value, "message", "id"),
        said=words,
        language=text(value, "locale", longest=16),
        reply=Reply(Way.DISCORD, {name: text(value, field) for name, field in names.items()}),
    )


def _words(data: object) -> Iterator[str]:
    """Write a command as one would type it: the name of the innermost subcommand, then the values of its options."""
    name, options = text(data, "name"), items(data, "options")
    for _ in range(_DEEPEST_OPTIONS):
        inner = options[0] if options else None
        if text(inner, "type") not in {"1", "2"}:
            break
        name, options = text(inner, "name"), items(inner, "options")
    yield name
    yield from (text(option, "value") for option in options)


def _event(value: Mapping[str, Any]) -> Incoming | None:
    kind = _EVENTS.get(text(value, "event", "type"))
    if kind is None:
        return None
    data = at(value, "event", "data")
    return Incoming(
        NAME,
        kind,
        app=text(value, "application_id"),
        space=text(data, "guild", "id"),
        sender=text(data, "user", "id"),
    )
