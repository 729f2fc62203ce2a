"""gRPC: reads each request, checks every field, answers; one file for each subject, put together in `public`."""

from services.notification.rpc.calls import Calls
from services.notification.rpc.captured import CapturedCalls
from services.notification.rpc.channels import ChannelCalls
from services.notification.rpc.chats import ChatCalls
from services.notification.rpc.groups import GroupCalls
from services.notification.rpc.hearing import Hearing
from services.notification.rpc.internal import InternalServicer, internal_servicer
from services.notification.rpc.messages import MessageCalls
from services.notification.rpc.public import NotificationServicer, servicer
from services.notification.rpc.rules import RuleCalls
from services.notification.rpc.streaming import StreamCalls
from services.notification.rpc.switch import SwitchCalls
from services.notification.rpc.templates import TemplateCalls
from services.notification.rpc.timeline import TimelineCalls
from services.notification.rpc.unsubscribing import UnsubscribeCalls
from services.notification.rpc.webhooks import WebhookCalls

__all__ = [
    "Calls",
    "CapturedCalls",
    "ChannelCalls",
    "ChatCalls",
    "GroupCalls",
    "Hearing",
    "InternalServicer",
    "MessageCalls",
    "NotificationServicer",
    "RuleCalls",
    "StreamCalls",
    "SwitchCalls",
    "TemplateCalls",
    "TimelineCalls",
    "UnsubscribeCalls",
    "WebhookCalls",
    "internal_servicer",
    "servicer",
]
