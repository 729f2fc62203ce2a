"""WeCom's words: texts, links, menus, following the application.

https://developer.work.weixin.qq.com/document/path/90239 (messages) and https://developer.work.weixin.qq.com/document/path/90240
(events). What is said is between one member and the application.
"""

from collections.abc import Mapping

from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.wechat import incoming
from services.team_formation.hooks.xml_values import read_fields

NAME = "wecom"
_LONGEST_ID = 64
_KINDS = {"subscribe": Kind.ADDED, "unsubscribe": Kind.REMOVED, "click": Kind.BUTTON}
_TEXTS = {"text": "Content", "link": "Title"}


def read(payload: bytes) -> Incoming | None:
    """Read a message or an event."""
    fields = read_fields(payload) or {}
    message, event = fields.get("MsgType", ""), fields.get("Event", "")
    kind = _KINDS.get(event) if message == "event" else Kind.MESSAGE if message in _TEXTS else None
    if kind is None:
        return None
    written = fields.get(_TEXTS.get(message, "EventKey"), "")
    space, agent = fields.get("ToUserName", "")[:_LONGEST_ID], fields.get("AgentID", "")[:_LONGEST_ID]
    reply = None if kind is Kind.REMOVED else _reply(fields, agent)
    return incoming(NAME, kind, fields, written, reply, space=space, app=agent, is_button=kind is Kind.BUTTON)


def _reply(fields: Mapping[str, str], agent: str) -> Reply:
    return Reply(Way.WECOM, {"to": fields.get("FromUserName", "")[:_LONGEST_ID], "agent_id": agent})
