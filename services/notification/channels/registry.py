"""The channels of this release, opened from the settings."""

from services.notification.channels import Channel, Channels
from services.notification.channels.console import ConsoleChannel
from services.notification.channels.email import EmailChannel
from services.notification.channels.webhook import WebhookChannel
from services.notification.settings import Settings


def open_channels(settings: Settings) -> Channels:
    """Make every channel, by name; none connects before it sends."""
    channels: list[Channel] = [
        ConsoleChannel(),
        EmailChannel(settings.smtp, settings.mail_from, seconds=settings.send_seconds),
        WebhookChannel(
            seconds=settings.send_seconds,
            connections=settings.channel_concurrency,
            allow_private=settings.webhook_private_addresses == "allow",
        ),
    ]
    return {channel.name: channel for channel in channels}
