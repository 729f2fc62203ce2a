"""The subjects of the service, each answered by a class of its own."""

from dataclasses import dataclass

from services.notification.rpc.captured import CapturedCalls
from services.notification.rpc.channels import ChannelCalls
from services.notification.rpc.chats import ChatCalls
from services.notification.rpc.groups import GroupCalls
from services.notification.rpc.messages import MessageCalls
from services.notification.rpc.rules import RuleCalls
from services.notification.rpc.streaming import StreamCalls
from services.notification.rpc.templates import TemplateCalls
from services.notification.rpc.timeline import TimelineCalls
from services.notification.rpc.unsubscribing import UnsubscribeCalls
from services.notification.rpc.webhooks import WebhookCalls


@dataclass(frozen=True, slots=True)
class Calls:
    """Who answers what."""

    captured: CapturedCalls
    channels: ChannelCalls
    chats: ChatCalls
    groups: GroupCalls
    messages: MessageCalls
    rules: RuleCalls
    streams: StreamCalls
    templates: TemplateCalls
    timeline: TimelineCalls
    unsubscribing: UnsubscribeCalls
    webhooks: WebhookCalls
