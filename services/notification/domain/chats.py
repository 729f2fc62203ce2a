"""Private chats that members bind: their codes, and how long a service lets the platform answer there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

CODE_LIFETIME = timedelta(hours=1)
MOST_CODES = 5
"""Of one member at a time; the oldest give way."""
MOST_CHATS = 5
"""Of one member; the oldest gives way."""
MOST_A_DAY = 100
"""Messages of one member that are kept within a day."""
WORDS_KEPT = timedelta(days=30)
LONGEST_WORDS = 10_000
LONGEST_REPLY_TO_MEMBER = 4_000

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without signs that look alike; ten of them are 49 bits."""
CODE_LENGTH = 10
_CODE = re.compile(rf"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}")
_WINDOWS: Final[Mapping[str, timedelta]] = {
    "whatsapp": timedelta(hours=24),
    "wechat": timedelta(hours=48),
}
"""How long after somebody wrote a service takes free words. WhatsApp: developers.facebook.com, "Customer service
windows"; WeChat: developers.weixin.qq.com, sendCustomMessage. The others set no time to a message of an app."""


class Act(Enum):
    """What somebody did in a private chat."""

    ASKED = auto()
    STARTED = auto()
    STOPPED = auto()
    WROTE = auto()
    LEFT = auto()


class Heard(Enum):
    """What came of it."""

    KNOWN = auto()
    UNKNOWN = auto()
    BOUND = auto()
    CODE_UNKNOWN = auto()
    MUTED = auto()
    UNMUTED = auto()
    KEPT = auto()
    KEPT_FIRST = auto()
    """The member's first within a day."""
    TOO_MANY = auto()
    FORGOTTEN = auto()


@dataclass(frozen=True, slots=True)
class Chat:
    """A private chat that a member bound."""

    platform_id: UUID
    member_id: str
    chat_id: UUID
    """Also the id of the contact point that it is."""
    service: str
    bound_at: datetime
    heard_at: datetime
    gone: str

    @property
    def open_until(self) -> datetime | None:
        """Until when the service takes an answer there; None where it sets no time."""
        window = _WINDOWS.get(self.service)
        return self.heard_at + window if window else None


@dataclass(frozen=True, slots=True)
class MemberMessage:
    """What a member wrote to the seller."""

    platform_id: UUID
    message_id: UUID
    member_id: str
    service: str
    chat_id: UUID | None
    seat_id: str
    words: str
    is_signed: bool
    written_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class MemberReply:
    """What was answered."""

    reply_id: UUID
    message_id: UUID
    words: str
    replied_at: datetime


def read_code(text: str) -> str | None:
    """Read a code as somebody wrote it; None where it is none."""
    code = text.strip().upper()
    return code if _CODE.fullmatch(code) else None
