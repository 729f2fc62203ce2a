"""The table of services: how each is checked, with which secrets, and read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from services.team_formation.hooks import dingtalk, discord, feishu, line, slack, telegram, wechat, wecom, whatsapp
from services.team_formation.hooks.call import Call, Outcome
from services.team_formation.hooks.reading.dingtalk import read as read_dingtalk
from services.team_formation.hooks.reading.discord import read as read_discord
from services.team_formation.hooks.reading.feishu import read as read_feishu
from services.team_formation.hooks.reading.incoming import Incoming
from services.team_formation.hooks.reading.line import read as read_line
from services.team_formation.hooks.reading.slack import read as read_slack
from services.team_formation.hooks.reading.telegram import read as read_telegram
from services.team_formation.hooks.reading.wechat import read as read_wechat
from services.team_formation.hooks.reading.wecom import read as read_wecom
from services.team_formation.hooks.reading.whatsapp import read as read_whatsapp

Secrets = TypeVar("Secrets")


@dataclass(frozen=True, slots=True)
class Service(Generic[Secrets]):
    """A chat app that calls us."""

    name: str
    """As in the address /hooks/<name>/<app>."""
    secrets: type[Secrets]
    """What an app of it is set up with; making one raises ValueError where a value has not the form it must have."""
    verify: Callable[[Call, Secrets], Outcome]
    """Checks a call. It raises nothing, whatever came."""
    read: Callable[[bytes], Incoming | None]
    """Reads the payload of an event that was verified, now or long ago; it raises nothing either."""
    waits: float = 3.0
    """Seconds that it waits for an answer, as documented: docs/chat-apps.md. Most wait three, some do not say."""


SERVICES: Mapping[str, Service[Any]] = {
    one.name: one
    for one in (
        Service("slack", slack.SlackSecrets, slack.verify, read_slack),
        Service("telegram", telegram.TelegramSecrets, telegram.verify, read_telegram),
        Service("line", line.LineSecrets, line.verify, read_line, waits=2.0),
        Service("whatsapp", whatsapp.WhatsAppSecrets, whatsapp.verify, read_whatsapp),
        Service("wechat", wechat.WeChatSecrets, wechat.verify, read_wechat, waits=5.0),
        Service("wecom", wecom.WeComSecrets, wecom.verify, read_wecom, waits=5.0),
        Service("discord", discord.DiscordSecrets, discord.verify, read_discord),
        Service("feishu", feishu.FeishuSecrets, feishu.verify, read_feishu),
        Service("dingtalk", dingtalk.DingTalkSecrets, dingtalk.verify, read_dingtalk, waits=1.5),
    )
}
