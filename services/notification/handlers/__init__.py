"""The handlers: what each topic's events do here, the fan-out of what concerns many, and what platforms ask for."""

from services.notification.handlers.accounts import ChannelWriter, PutChannel
from services.notification.handlers.campaigns import RemindMember, StartReminders
from services.notification.handlers.digests import JoinDigests
from services.notification.handlers.event_stream import EventStream
from services.notification.handlers.events import EventHandlers
from services.notification.handlers.fanout import Fanout
from services.notification.handlers.groups import Groups
from services.notification.handlers.measures import Measures
from services.notification.handlers.members import MemberWriter, PutMember
from services.notification.handlers.platform_events import PlatformEvents
from services.notification.handlers.promoters import PromoterDays
from services.notification.handlers.reminders import Reminders
from services.notification.handlers.templates import PutTemplate, TemplateWriter

__all__ = [
    "ChannelWriter",
    "EventHandlers",
    "EventStream",
    "Fanout",
    "Groups",
    "JoinDigests",
    "Measures",
    "MemberWriter",
    "PlatformEvents",
    "PromoterDays",
    "PutChannel",
    "PutMember",
    "PutTemplate",
    "RemindMember",
    "Reminders",
    "StartReminders",
    "TemplateWriter",
]
