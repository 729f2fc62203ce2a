"""DingTalk's words: what is written to a robot.

https://open.dingtalk.com/document/orgapp/receive-message. An answer goes to `sessionWebhook`; the body may not be
covered by a signature, so no address but DingTalk's own is taken for one.
"""

import re

from services.team_formation.hooks.json_values import items, read_object, text
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import said

NAME = "dingtalk"
_SESSION = re.compile(r"https://oapi\.dingtalk\.com/robot/sendBySession\?session=[A-Za-z0-9%_.=-]{1,500}")
_GROUPS = {"1": False, "2": True}


def read(payload: bytes) -> Incoming | None:
    """Read a robot's message; what an application has subscribed to says nothing to us."""
    value = read_object(payload) or {}
    if not text(value, "msgId"):
        return None
    pieces = [text(piece, "text") for piece in items(value, "content", "richText")]
    words = said((text(value, "text", "content") or "".join(pieces)).strip())
    url = text(value, "sessionWebhook")
    reply = {"url": url, "expires_at": text(value, "sessionWebhookExpiredTime")}
    return Incoming(
        NAME,
        Kind.MESSAGE,
        app=text(value, "robotCode") or text(value, "chatbotUserId"),
        space=text(value, "chatbotCorpId"),
        sender=text(value, "senderStaffId") or text(value, "senderId"),
        chat=text(value, "conversationId"),
        is_group=_GROUPS.get(text(value, "conversationType")),
        message=text(value, "msgId"),
        said=words,
        reply=Reply(Way.DINGTALK, reply) if _SESSION.fullmatch(url) else None,
    )
