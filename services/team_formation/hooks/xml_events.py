"""Messages and events of WeChat and WeCom, which have one form: what each is known by.

By MsgId, or sender and CreateTime where there is none:
https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html and
https://developer.work.weixin.qq.com/document/path/90238.
"""

from collections.abc import Mapping

from services.team_formation.hooks.admission import NOT_KNOWN, NOT_READABLE
from services.team_formation.hooks.call import Answer, Event, Outcome, Verified
from services.team_formation.hooks.identity import hashed, kind_of, known_by
from services.team_formation.hooks.json_values import number
from services.team_formation.hooks.proof import moment
from services.team_formation.hooks.xml_values import read_fields


def event_of(payload: bytes, answer: Answer, *, is_covered: bool) -> Outcome:
    """Read what a message or an event is known by."""
    fields = read_fields(payload)
    if fields is None:
        return NOT_READABLE
    event_id = _event_id(fields)
    if event_id is None:
        return NOT_KNOWN
    kind = kind_of(fields.get("Event") or fields["MsgType"])
    at = moment(number(fields, "CreateTime"))
    return Verified((Event(event_id, kind, payload, at, is_covered=is_covered),), answer)


def _event_id(fields: Mapping[str, str]) -> str | None:
    """Choose what the documents name; two events of one sender within one second are told apart by what they are."""
    if not fields.get("MsgType") or not fields.get("CreateTime"):
        return None
    if message := fields.get("MsgId"):
        return known_by(message)
    parts = [fields.get(name, "") for name in ("FromUserName", "CreateTime", "Event", "EventKey")]
    return hashed(*parts)
