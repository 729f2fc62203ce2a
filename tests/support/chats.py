"""What chats do to a text: which addresses they make links of, and which marks their formatting takes away.

Written from what the makers document; the programs are theirs, the code is not.
"""

import re
from collections.abc import Callable

_HOST = r"[A-Za-z0-9.-]+(?::\d{1,5})?"


def android(text: str) -> list[str]:
    """Find links as apps do that leave it to Android (WeChat, WhatsApp, LINE, KakaoTalk, Feishu).

    https://android.googlesource.com/platform/frameworks/base/+/main/core/java/android/util/Patterns.java,
    AUTOLINK_WEB_URL: letters of any script go on with a path; it ends at the border of a word.
    """
    letters = r"a-zA-Z0-9\u00A1-\u1FFF\u200B-\u2027\u202A-\u202E\u2030-\u2FFF\u3001-\uD7FF\uF900-\uFFEF"
    path = rf"(?:[/?](?:[{letters};/?:@&=#~.+!*'(),_$-]|%[a-fA-F0-9]{{2}})*)?"
    return re.findall(rf"(?:\b|^)https?://{_HOST}{path}(?:\b|$|^)", text)


def telegram(text: str) -> list[str]:
    """Find links as Telegram does (td/telegram/MessageEntity.cpp: path symbols, balanced brackets, bad ends)."""
    path = r"(?:[/?#][^\s<>\"\u00ab\u00bb\u2000-\u200b\u200e\u200f\u2016-\u206f]*)?"
    return [_balanced(found).rstrip(".:;,('?!`") for found in re.findall(rf"https?://{_HOST}{path}", text)]


def _balanced(link: str) -> str:
    """Cut a link at the first bracket that closes nothing."""
    pairs = {")": "(", "]": "[", "}": "{"}
    for at, letter in enumerate(link):
        if letter in pairs and link[:at].count(pairs[letter]) <= link[:at].count(letter):
            return link[:at]
    return link


def markdown(text: str) -> list[str]:
    """Find links as GitHub's Markdown does, which Slack, Discord and Feishu's cards resemble.

    https://github.github.com/gfm/#autolinks-extension-
    """
    found = re.findall(rf"(?:^|(?<=[\s*_~(\[<|]))https?://{_HOST}[^\s<>|]*", text, re.MULTILINE)
    return [_without_markdown_end(link) for link in found]


def _without_markdown_end(link: str) -> str:
    while True:
        shorter = re.sub(r"(?:[?!.,:*_~'\"`]|&[A-Za-z0-9]+;)\Z", "", link)
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter == link:
            return link
        link = shorter


def plain(text: str) -> list[str]:
    """Find links as the careful do (iOS, Outlook): letters of RFC 3986, without punctuation at the end."""
    found = re.findall(rf"https?://{_HOST}[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*", text)
    return [link.rstrip(".,:;!?'()") for link in found]


LINKIFIERS: dict[str, Callable[[str], list[str]]] = {
    "android": android,
    "telegram": telegram,
    "markdown": markdown,
    "plain": plain,
}


def _unmarked(pattern: str) -> Callable[[str], str]:
    """Make a formatter that takes paired marks away, the outer ones first, until none is left."""
    paired = re.compile(pattern)

    def formatted(text: str) -> str:
        while True:
            shorter = paired.sub(r"\2", text)
            if shorter == text:
                return text
            text = shorter

    return formatted


FORMATTERS: dict[str, Callable[[str], str]] = {
    # https://faq.whatsapp.com/539178204879377, https://api.slack.com/reference/surfaces/formatting: marks around words
    "whatsapp": _unmarked(r"(?<!\w)(```|[*_~`])(?=\S)([^\n]+?)(?<=\S)\1(?!\w)"),
    "slack": _unmarked(r"(?<![A-Za-z0-9])(```|[*_~`])(?=\S)([^\n]+?)(?<=\S)\1(?![A-Za-z0-9])"),
    # https://support.discord.com/hc/en-us/articles/210298617: doubled marks and spoilers, also within words
    "discord": _unmarked(r"(\*\*|__|~~|\|\||[*`])([^\n]+?)\1"),
    # https://core.telegram.org/bots/api#markdown-style: single marks anywhere, over lines
    "telegram": _unmarked(r"([*_`])([^*_`]+)\1"),
}
