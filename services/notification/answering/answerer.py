"""The answerer: finds the platform's account, tries a way once within a bounded time, and says how it ended."""

import asyncio
from dataclasses import replace
from uuid import UUID

from services.chassis import logs
from services.chassis.database import Database
from services.notification import metrics
from services.notification.accounts import Accounts
from services.notification.answering import ChatAnswer, Way
from services.notification.channels import Account, Misconfigured, Outcome, Retry, Sent
from services.notification.channels.registry import ANSWERS_AT_ONCE
from services.notification.domain import outcome_name
from services.notification.privacy import without_addresses

log = logs.logger(__name__)


class Answerer:
    """Answers for every platform; so many at once, as there are connections for them."""

    def __init__(self, database: Database, accounts: Accounts, *, seconds: float) -> None:
        self._database = database
        self._accounts = accounts
        self._seconds = seconds
        self._room = asyncio.Semaphore(ANSWERS_AT_ONCE)

    async def answer(self, platform_id: UUID, way: Way, answer: ChatAnswer) -> Outcome:
        """Try once."""
        outcome = _without_secrets(await self._try(platform_id, way, answer), answer)
        metrics.CHAT_ANSWERS.labels(way.name, outcome_name(outcome)).inc()
        if isinstance(outcome, Misconfigured):
            log.warning("chat not answered", way=way.name, platform=str(platform_id), why=outcome.detail)
        return outcome

    async def _try(self, platform_id: UUID, way: Way, answer: ChatAnswer) -> Outcome:
        account = await self._account(platform_id, way)
        if account is None:
            return Misconfigured(f"there is no account of {way.channel} that opens; PutChannel sets it up")
        try:
            async with asyncio.timeout(self._seconds), self._room:
                return await way.answer(answer, account)
        except TimeoutError:
            return Retry(f"no answer within {self._seconds:g} seconds")
        except Exception as error:  # noqa: BLE001
            # The text of an error may hold what it was about, so only its kind is said.
            log.error("way to answer failed", way=way.name, error=type(error).__name__)  # noqa: TRY400
            return Retry(f"the way to answer failed: {type(error).__name__}")

    async def _account(self, platform_id: UUID, way: Way) -> Account | None:
        key = platform_id, way.channel
        async with self._database.read() as connection:
            found = (await self._accounts.find(connection, [key])).get(key)
        return found or (None if way.needs_account else Account(platform_id, {}))


def _without_secrets(outcome: Outcome, answer: ChatAnswer) -> Outcome:
    """Leave out URLs, and what a service repeats of where an answer goes: ids and tokens, which all have digits."""
    if isinstance(outcome, Sent):
        return outcome
    detail = without_addresses(outcome.detail, "")
    for secret in answer.values.values():
        if any(sign.isdigit() for sign in secret):
            detail = without_addresses(detail, secret)
    return replace(outcome, detail=detail)
