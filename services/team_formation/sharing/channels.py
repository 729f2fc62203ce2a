"""The channels that invites are shared in, as data: for each the address to open, or the text to copy.

Every address is taken from the channel's own documentation, named beside it. Where a channel documents none that works
without its SDK, there is a text to copy. A platform puts its own in place of ours; some channels need it to.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from services.team_formation.sharing.words import FALLBACK, WORDS, Words


@dataclass(frozen=True, slots=True)
class ShareTemplate:
    """How a channel's share link is made; a part that the channel has no use for is empty."""

    channel: str
    url: str = ""
    """Address; values are percent-encoded."""
    text: str = ""
    mini_program_path: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.url or self.text or self.mini_program_path)


@dataclass(frozen=True, slots=True)
class Channel:
    """One of our channels; its text is one of those that we have in every language."""

    url: str = ""
    text: Callable[[Words], str] | None = None
    mini_program_path: str = ""


def _alone(words: Words) -> str:
    return words.message


def _with_link(words: Words) -> str:
    return words.message_with_link


def _with_code(words: Words) -> str:
    return words.message_with_code


CHANNELS = {
    "web": Channel("{link}"),
    # A Mini Program's page, for wx.shareAppMessage and for its codes; a chat takes the text with the link.
    # https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/qrcode-link/qr-code/getUnlimitedQRCode.html
    "wechat": Channel(text=_with_link, mini_program_path="pages/i/index?c={code}"),
    # What the share button of https://open.weibo.com/sharebutton opens; it puts a short link behind the title.
    "weibo": Channel("https://service.weibo.com/share/share.php?url={link}&title={text}", _alone),
    # These three share over their SDKs alone, and their posts have no links: code and link are copied with the text.
    "xiaohongshu": Channel(text=_with_code),
    "douyin": Channel(text=_with_code),
    "kuaishou": Channel(text=_with_code),
    # https://core.telegram.org/api/links#share-links: the app puts the address on the first line, the text below.
    "telegram": Channel("https://t.me/share?url={link}&text={text}", _alone),
    # https://faq.whatsapp.com/5913398998672934: without a number, the sender chooses the chat.
    "whatsapp": Channel("https://wa.me/?text={text}", _with_link),
    # https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/#sending-text-messages
    "line": Channel("https://line.me/R/share?text={text}", _with_link),
    # https://developers.kakao.com/docs/latest/en/kakaotalk-share/js-link: needs the SDK and a registered domain.
    "kakaotalk": Channel(text=_with_link),
    # Takes the address alone and reads the page's Open Graph tags: https://developers.facebook.com/docs/sharing/webmasters
    "facebook": Channel("https://www.facebook.com/sharer/sharer.php?u={link}"),
    # https://docs.x.com/x-for-websites/post-button/guides/web-intent: above 280 characters the sender shortens it.
    "x": Channel("https://x.com/intent/tweet?text={text}&url={link}", _alone),
    # RFC 6068; line breaks are %0D%0A (its section 5).
    "email": Channel("mailto:?subject={title}&body={text}", _with_link),
}


@dataclass(frozen=True, slots=True)
class ToSetUp:
    """A channel that needs something of the platform's own in its address."""

    example: str
    address: re.Pattern[str]


TO_SET_UP = {
    # Opens the bot and tells it the code: https://core.telegram.org/api/links#bot-links. A start parameter has at most
    # 64 of A-Z, a-z, 0-9, _ and -, so it is the code and not the link. A bot's name: 5 to 32 of a-z, 0-9 and _.
    "telegram-bot": ToSetUp(
        "https://t.me/your_bot?start={code}",
        re.compile(r"https://t\.me/[A-Za-z]\w{4,31}(?:\?start(?:group)?|(?:/\w{3,30})?\?startapp)=\{code\}", re.ASCII),
    ),
}
"""There for a platform once it has a template of its own."""


def ours(name: str, language: str = FALLBACK) -> ShareTemplate:
    """Give our template of a channel in one of the languages of WORDS; an empty one where we have none."""
    channel = CHANNELS.get(name, Channel())
    text = channel.text(WORDS[language]) if channel.text else ""
    return ShareTemplate(name, channel.url, text, channel.mini_program_path)
