"""The ways to answer that there are."""

from services.chassis.clock import Clock
from services.notification.answering import Way, Ways
from services.notification.answering.dingtalk import DingTalkAnswer
from services.notification.answering.discord import DiscordAnswer
from services.notification.answering.feishu import FeishuCard, FeishuMessage, FeishuPreview
from services.notification.answering.line import LineAnswer
from services.notification.answering.slack import SlackMessage, SlackResponse, SlackUnfurl
from services.notification.answering.telegram import TelegramAnswer
from services.notification.answering.wechat import WeChatAnswer
from services.notification.answering.wecom import WeComAnswer
from services.notification.answering.whatsapp import WhatsAppAnswer
from services.notification.channels import Http
from services.notification.channels.feishu import FeishuApi


def open_ways(http: Http, clock: Clock) -> Ways:
    """Make every way, by name; none connects before it answers."""
    feishu = FeishuApi(http)
    ways: list[Way] = [
        SlackUnfurl(http),
        SlackMessage(http),
        SlackResponse(http),
        TelegramAnswer(http),
        LineAnswer(http),
        WhatsAppAnswer(http),
        WeChatAnswer(http),
        WeComAnswer(http),
        DiscordAnswer(http),
        FeishuPreview(feishu),
        FeishuMessage(feishu),
        FeishuCard(feishu),
        DingTalkAnswer(http, clock),
    ]
    return {way.name: way for way in ways}
