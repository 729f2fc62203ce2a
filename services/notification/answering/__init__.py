"""Answers in the chats that called: a file for each service, a class for each way to answer.

Messages to members are deliveries, and go by channels; an answer goes back where a call came from, by the account of
the channel of that service. None is tried again here: whoever asks for it has kept the call, and asks again.

To add one, write a class that keeps `Way` and have `registry.open_ways` make it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from services.notification.channels import Account, Outcome

__all__ = ["Card", "ChatAnswer", "Way", "Ways"]


@dataclass(frozen=True, slots=True)
class Card:
    """What a chat shows of one team. Texts are plain, each a line that is not too long: `words.card` makes them so."""

    title: str
    lines: tuple[str, ...] = ()
    footer: str = ""
    url: str = ""
    """The link in the message that it stands for."""
    button_label: str = ""
    """Set wherever `button_url` is."""
    button_url: str = ""
    picture_url: str = ""


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What is answered, and where. Values may let whoever has them speak for the app: they are secrets."""

    values: Mapping[str, str] = field(repr=False)
    cards: tuple[Card, ...] = ()
    text: str = ""
    """Said where there is no card."""
    is_private: bool = False
    """Only the person who asked should see it."""


class Way(Protocol):
    """A way to answer in a chat."""

    @property
    def name(self) -> str:
        """The name that a request has it by."""

    @property
    def channel(self) -> str:
        """The channel whose account it uses."""

    @property
    def needs_account(self) -> bool:
        """Whether it cannot answer without: false where the values say it all."""

    @property
    def needs_words(self) -> bool:
        """Whether an answer needs cards or a text."""

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Say what is wrong with values, by name, without repeating them. Connects to nothing."""

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Try once. Trouble is an outcome; the caller bounds the time by cancelling. Values have been checked."""


Ways: TypeAlias = Mapping[str, Way]
"""Ways by name."""
