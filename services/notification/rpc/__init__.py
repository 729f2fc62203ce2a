"""gRPC: reads each request, checks every field, answers; one file for each subject, put together in `public`."""

from services.notification.rpc.channels import ChannelCalls
from services.notification.rpc.public import NotificationServicer, servicer
from services.notification.rpc.templates import TemplateCalls
from services.notification.rpc.unsubscribing import UnsubscribeCalls

__all__ = ["ChannelCalls", "NotificationServicer", "TemplateCalls", "UnsubscribeCalls", "servicer"]
