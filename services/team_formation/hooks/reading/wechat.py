"""WeChat's words: texts, links, QR codes with a scene, menus, following.

https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html and
Receiving_event_pushes.html beside it: who scans and does not follow yet brings `qrscene_` and the scene with
`subscribe`, who follows already brings the scene alone with `SCAN`. What is said is between one person and the account.
"""

from collections.abc import Mapping

from services.team_formation.hooks.json_values import cleaned
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import Command, said
from services.team_formation.hooks.xml_values import read_fields

NAME = "wechat"
_SCENE = "qrscene_"
_LONGEST_SCENE = 64
_LONGEST_LINK = 4_096
_KINDS = {
    "subscribe": Kind.ADDED,
    "SCAN": Kind.COMMAND,
    "unsubscribe": Kind.REMOVED,
    "CLICK": Kind.BUTTON,
}


def read(payload: bytes) -> Incoming | None:
    """Read a message or an event."""
    fields = read_fields(payload) or {}
    kind = fields.get("MsgType", "")
    if kind == "event":
        return _event(fields)
    if kind == "text":
        return incoming(NAME, Kind.MESSAGE, fields, fields.get("Content", ""), _reply(fields))
    if kind == "link":
        return incoming(NAME, Kind.MESSAGE, fields, fields.get("Title", ""), _reply(fields))
    return None


def _event(fields: Mapping[str, str]) -> Incoming | None:
    event, key = fields.get("Event", ""), fields.get("EventKey", "")
    kind = _KINDS.get(event)
    if kind is None:
        return None
    if event == "CLICK":
        return incoming(NAME, kind, fields, key, _reply(fields), is_button=True)
    scene = key.removeprefix(_SCENE)[:_LONGEST_SCENE] if event != "unsubscribe" else ""
    reply = _reply(fields) if event != "unsubscribe" else None
    return incoming(NAME, kind, fields, f"{Command.START} {scene}" if scene else "", reply, is_button=True)


def incoming(
    service: str,
    kind: Kind,
    fields: Mapping[str, str],
    written: str,
    reply: Reply | None,
    *,
    space: str = "",
    app: str = "",
    is_button: bool = False,
) -> Incoming:
    """Make the value of a text and the fields that came with it."""
    words = said(cleaned(written), (fields.get("Url", "")[:_LONGEST_LINK],), is_sure=is_button)
    sender = fields.get("FromUserName", "")[:_LONGEST_SCENE]
    return Incoming(
        service,
        kind,
        app=app or fields.get("ToUserName", "")[:_LONGEST_SCENE],
        space=space,
        sender=sender,
        chat=sender,
        is_group=False,
        message=fields.get("MsgId", "")[:_LONGEST_SCENE],
        said=words,
        reply=reply,
    )


def _reply(fields: Mapping[str, str]) -> Reply:
    to, sender = fields.get("FromUserName", ""), fields.get("ToUserName", "")
    return Reply(Way.WECHAT, {"to": to[:_LONGEST_SCENE], "from": sender[:_LONGEST_SCENE]})
