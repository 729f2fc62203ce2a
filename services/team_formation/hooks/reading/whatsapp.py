"""WhatsApp's words: texts, replies to buttons and lists, and the advertisement that somebody came by.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages (group: below it).
Somebody with a username may have no number: then `from_user_id` (`user_id` of the contact) says who it is
(https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
"""

from services.team_formation.hooks.json_values import at, read_object, text
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import said

NAME = "whatsapp"
_TEXTS = (("text", "body"), ("image", "caption"), ("video", "caption"), ("document", "caption"))
_BUTTONS = (("interactive", "button_reply", "id"), ("interactive", "list_reply", "id"), ("button", "payload"))


def read(payload: bytes) -> Incoming | None:
    """Read a message, as it was kept with the number that it came to."""
    value = read_object(payload) or {}
    message = at(value, "message")
    button = _first(message, _BUTTONS)
    written = button or _first(message, _TEXTS)
    if not written:
        return None
    words = said(written, (text(message, "referral", "source_url"),), is_sure=bool(button))
    sender = text(message, "from") or text(message, "from_user_id") or text(value, "contacts", 0, "user_id")
    group, number = text(message, "group_id"), text(value, "metadata", "phone_number_id")
    to = {"to": group or sender, "type": "group" if group else "individual", "phone_number_id": number}
    return Incoming(
        NAME,
        Kind.BUTTON if button else Kind.MESSAGE,
        app=number,
        sender=sender,
        chat=group or sender,
        is_group=bool(group),
        message=text(message, "id"),
        said=words,
        reply=Reply(Way.WHATSAPP, to),
    )


def _first(message: object, paths: tuple[tuple[str, ...], ...]) -> str:
    return next((found for path in paths if (found := text(message, *path))), "")
