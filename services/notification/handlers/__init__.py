"""The handlers: what each topic's events do here, the fan-out of what concerns many, and PutMember."""

from services.notification.handlers.events import EventHandlers
from services.notification.handlers.fanout import Fanout
from services.notification.handlers.members import MemberWriter, PutMember

__all__ = ["EventHandlers", "Fanout", "MemberWriter", "PutMember"]
