"""LINE's words: messages, postbacks of buttons, following and joining.

https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects. In standby mode another module answers:
nothing is done then.
"""

from services.team_formation.hooks.json_values import at, read_object, text
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import said

NAME = "line"
_KINDS = {
    "message": Kind.MESSAGE,
    "postback": Kind.BUTTON,
    "follow": Kind.ADDED,
    "join": Kind.ADDED,
    "unfollow": Kind.REMOVED,
    "leave": Kind.REMOVED,
}


def read(payload: bytes) -> Incoming | None:
    """Read an event, as it was kept with the bot that it was sent to."""
    value = read_object(payload) or {}
    event = at(value, "event")
    kind = _KINDS.get(text(event, "type"))
    if kind is None or text(event, "mode") == "standby":
        return None
    is_button = kind is Kind.BUTTON
    words = said(text(event, "postback", "data") if is_button else text(event, "message", "text"), is_sure=is_button)
    token = text(event, "replyToken")
    return Incoming(
        NAME,
        kind,
        app=text(value, "destination"),
        sender=text(event, "source", "userId"),
        chat=_chat(at(event, "source")),
        is_group=text(event, "source", "type") in {"group", "room"},
        message=text(event, "message", "id"),
        said=words,
        reply=Reply(Way.LINE, {"reply_token": token}) if token else None,
    )


def _chat(source: object) -> str:
    return text(source, "groupId") or text(source, "roomId") or text(source, "userId")
