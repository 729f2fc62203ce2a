"""What is exported of a member: addresses are opened for that, and nowhere else but where they are used."""

from services.chassis.database import Database
from services.chassis.exporting import Held, Row
from services.notification.contacts import Contacts
from services.notification.sandbox import Captures
from services.notification.store import CapturedRow
from services.notification.store.chats import chat_row
from services.notification.store.exporting import sections
from services.notification.store.members import PointRow


def held(database: Database, contacts: Contacts, captures: Captures) -> Held:
    """Make what notification holds."""

    def point(row: Row) -> Row:
        address = contacts.opened(PointRow(**row))
        shown = ("position", "channel", "gone_at", "gone_why", "consent_source", "consent_at")
        return {"address": address, **{name: row[name] for name in shown}}

    def chat(row: Row) -> Row:
        address = contacts.opened_chat(chat_row(tuple(row.values())))
        shown = ("service", "via", "bound_at", "heard_at", "gone_why")
        return {"address": address, **{name: row[name] for name in shown}}

    def captured(row: Row) -> Row:
        content = captures.content(CapturedRow(**row))
        shown = ("kind", "captured_at", "number", "channel", "outcome", "detail")
        return {name: row[name] for name in shown} | {
            "address": content.address,
            "subject": content.subject,
            "body": content.body,
            "request": content.exchange.body.decode(errors="replace") if content.exchange else "",
        }

    return Held(database, "notification", sections(point, chat, captured))
