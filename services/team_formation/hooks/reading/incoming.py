"""What somebody did in a chat app, in the words that all services share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.team_formation.hooks.reading.words import NOTHING, Said


class Kind(StrEnum):
    """What was done."""

    MESSAGE = "message"
    """Somebody wrote to the app, or where it listens."""
    COMMAND = "command"
    """Somebody chose a command of the app, or opened it by a link or QR code that carries a word."""
    BUTTON = "button"
    """Somebody pressed a button that the app had put there; its value is what was said."""
    LINK = "link"
    """The app is asked to show what is behind links."""
    ADDED = "added"
    """The app was added to a chat, or somebody follows it."""
    REMOVED = "removed"
    """The app was taken out of a chat, or somebody does not follow it any more."""


class Way(StrEnum):
    """How to answer: the call to make, and the names of what it takes from `Reply.values`."""

    SLACK_UNFURL = "slack_unfurl"
    """chat.unfurl: `unfurl_id` and `source`, or where these are not there `channel` and `ts`, which always are."""
    SLACK_CHANNEL = "slack_channel"
    """chat.postMessage: `channel`; `thread_ts` where it was said in a thread."""
    SLACK_RESPONSE_URL = "slack_response_url"
    """A POST to `url`, five times within 30 minutes."""
    TELEGRAM = "telegram"
    """sendMessage: `chat_id`, `message_id`; answerCallbackQuery: `callback_query_id` where a button was pressed."""
    LINE = "line"
    """Reply: `reply_token`, once and soon."""
    WHATSAPP = "whatsapp"
    """messages of `phone_number_id`: `to`, a number, a group's id or a user's; `type` is individual or group."""
    WECHAT = "wechat"
    """The answer itself, or a customer service message: `to` and `from`, as the answer's XML names them."""
    WECOM = "wecom"
    """message/send of the application `agent_id`: `to`."""
    DISCORD = "discord"
    """The interaction `id` with its `token`, for 15 minutes; follow-ups: `application_id` and `token`."""
    FEISHU_PREVIEW = "feishu_preview"
    """The answer itself; later url_previews/batch_update: `preview_token`."""
    FEISHU_MESSAGE = "feishu_message"
    """im/v1/messages: `message_id` to reply to, `chat_id`."""
    FEISHU_CARD = "feishu_card"
    """The answer itself; later interactive/v1/card/update: `token`; `message_id`, `chat_id`."""
    DINGTALK = "dingtalk"
    """A POST to `url` until `expires_at`, in milliseconds of Unix time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Where an answer goes. Tokens and URLs in it let whoever has them speak for the app: keep them as secrets."""

    way: Way
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One thing that somebody did. Ids are the service's own, as text; what it does not say is empty."""

    service: str
    kind: Kind
    app: str = ""
    """The bot, application, number or account that it was done to."""
    space: str = ""
    """Workspace, server, company or tenant."""
    sender: str = ""
    chat: str = ""
    is_group: bool | None = None
    """Whether others read along; None where the service does not say."""
    message: str = ""
    """The message that was written, or has the button or link."""
    said: Said = NOTHING
    """What was written, chosen or linked to."""
    language: str = ""
    """Of the sender's app, where the service says it: a BCP 47 tag, perhaps."""
    reply: Reply | None = None
