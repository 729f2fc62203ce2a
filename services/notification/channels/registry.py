"""The channels there are: those of this release, and those that other packages bring by an entry point."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec

from services.chassis.errors import Stop
from services.notification.channels import Channel, Channels, Http, Opened, Tools
from services.notification.channels.console import ConsoleChannel
from services.notification.channels.dingtalk import DingTalkChannel
from services.notification.channels.discord import DiscordChannel
from services.notification.channels.email import EmailChannel
from services.notification.channels.feishu import FeishuChannel
from services.notification.channels.line import LineChannel
from services.notification.channels.slack import SlackChannel
from services.notification.channels.telegram import TelegramChannel
from services.notification.channels.webhook import WebhookChannel
from services.notification.channels.wechat import WeChatChannel
from services.notification.channels.wecom import WeComChannel
from services.notification.channels.whatsapp import WhatsAppChannel
from services.notification.settings import Settings

GROUP = "groupbuy.channels"
"""Of entry points; each names what makes a channel, given Tools."""

BY_HTTP: Mapping[str, Callable[[Http], Channel]] = {
    "webhook": WebhookChannel,
    "telegram": TelegramChannel,
    "slack": SlackChannel,
    "wechat": WeChatChannel,
    "whatsapp": WhatsAppChannel,
    "wecom": WeComChannel,
    "line": LineChannel,
    "feishu": FeishuChannel,
    "discord": DiscordChannel,
    "dingtalk": DingTalkChannel,
}
"""What makes those of this release that reach their service by the client they are given, and by nothing else."""

TESTS_AT_ONCE = 8
"""Posts of SendTestEvent."""
ANSWERS_AT_ONCE = 32
"""Answers in chats."""
TICKETS_AT_ONCE = 8
"""Tickets of web pages; one is asked for at a time for each account."""


def open_http(settings: Settings) -> Http:
    """Make the one client of all channels; it connects when something is sent."""
    return Http(
        seconds=settings.send_seconds,
        # each sender has its own, and tests, answers and tickets have some: none waits for another's connection
        connections=settings.send_concurrency
        + settings.webhook_concurrency
        + TESTS_AT_ONCE
        + ANSWERS_AT_ONCE
        + TICKETS_AT_ONCE,
        allow_private=settings.webhook_private_addresses == "allow",
    )


def open_channels(settings: Settings, http: Http) -> Channels:
    """Make every channel, by name; none connects before it sends. Stop where two have one name."""
    tools = Tools(http)
    ours: list[Channel] = [
        ConsoleChannel(),
        EmailChannel(
            settings.smtp,
            settings.mail_from,
            seconds=settings.send_seconds,
            tls=settings.smtp_tls,
            login=settings.smtp_login,
        ),
        *(opened(http) for opened in BY_HTTP.values()),
    ]
    channels: dict[str, Channel] = {}
    for channel in [*ours, *_optional(settings), *brought(tools)]:
        if channel.name in channels:
            raise Stop(f"two channels are named {channel.name}; remove one of the packages that bring them")
        channels[channel.name] = channel
    return channels


def channels_that_edit(channels: Channels) -> frozenset[str]:
    """Name the channels that can put a letter in the place of one they sent."""
    return frozenset(name for name, channel in channels.items() if channel.setup.edits)


def _optional(settings: Settings) -> list[Channel]:
    """Make the channels whose library is installed."""
    if find_spec("apprise") is None:
        return []
    module = import_module("services.notification.channels.apprise")
    channel: Channel = module.AppriseChannel(allow_private=settings.webhook_private_addresses == "allow")
    return [channel]


def brought(tools: Tools) -> list[Channel]:
    """Make the channels of other packages; Stop names the one that cannot be made."""
    made: list[Channel] = []
    for entry in entry_points(group=GROUP):
        try:
            opened: Opened = entry.load()
            made.append(opened(tools))
        except Exception as error:
            raise Stop(f"channel {entry.name} of {entry.value} cannot be made: {error}") from error
    return made
