"""Tokens and tickets that services give for a while: asked for one at a time, kept until shortly before their end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from services.notification.channels import Account, Outcome, Retry, Sent
from services.notification.channels.http import Reply

_EARLY_SECONDS = 60.0


class NoToken(Exception):
    """The service gives no token; `outcome` is what that means for the message."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def no_token(outcome: Outcome) -> NoToken:
    """Make what is raised where an answer has no token; an answer that says all is well has none either."""
    return NoToken(Retry("an answer without a token") if isinstance(outcome, Sent) else outcome)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and for how many seconds it is good."""

    text: str
    seconds: float


class Tokens:
    """The tokens of one channel, of all platforms. `fetch` asks the service; what it raises reaches every waiter."""

    def __init__(self, fetch: Callable[[Account], Awaitable[Token]]) -> None:
        self._fetch = fetch
        self._kept: dict[tuple[UUID, int], tuple[Token, float]] = {}
        self._asking: dict[tuple[UUID, int], asyncio.Lock] = {}

    async def get(self, account: Account) -> str:
        """Give the token of an account, asked for if there is none that lasts another minute."""
        key = account.platform_id, account.version
        async with self._asking.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is None or kept[1] <= time.monotonic():
                token = await self._fetch(account)
                self._forget_older(account)
                kept = self._kept[key] = token, time.monotonic() + max(token.seconds - _EARLY_SECONDS, 0)
        return kept[0].text

    async def call(
        self,
        account: Account,
        ask: Callable[[str], Awaitable[Reply | Outcome]],
        is_old: Callable[[Reply], bool],
    ) -> Reply | Outcome:
        """Ask with the account's token, once; one that is said to be old is forgotten. An outcome: no answer came."""
        try:
            token = await self.get(account)
        except NoToken as none:
            return none.outcome
        reply = await ask(token)
        if isinstance(reply, Reply) and is_old(reply):
            self.refused(account, token)
        return reply

    def refused(self, account: Account, text: str) -> None:
        """Forget a token that the service refuses; another, got since, stays."""
        key = account.platform_id, account.version
        if (kept := self._kept.get(key)) and kept[0].text == text:
            del self._kept[key]

    def _forget_older(self, account: Account) -> None:
        for key in [key for key in self._kept if key[0] == account.platform_id and key[1] < account.version]:
            del self._kept[key]
            self._asking.pop(key, None)
