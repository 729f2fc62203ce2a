"""The answerer: finds the platform's account, tries a way once within a bounded time, and says how it ended."""

import asyncio
from dataclasses import replace
from uuid import UUID

from services.chassis import logs
from services.chassis.database import Database
from services.chassis.twins import is_test
from services.notification import metrics
from services.notification.accounts import Accounts
from services.notification.answering import ChatAnswer, Way
from services.notification.channels import Account, Misconfigured, Outcome, Retry, Sent
from services.notification.channels.registry import ANSWERS_AT_ONCE
from services.notification.domain import outcome_name
from services.notification.privacy import without_addresses
from services.notification.sandbox import Sandbox, keep

log = logs.logger(__name__)


class Answerer:
    """Answers for every platform; so many at once, as there are connections for them."""

    def __init__(self, database: Database, accounts: Accounts, sandbox: Sandbox, *, seconds: float) -> None:
        self._database = database
        self._accounts = accounts
        self._sandbox = sandbox
        self._seconds = seconds
        self._room = asyncio.Semaphore(ANSWERS_AT_ONCE)

    async def answer(self, platform_id: UUID, way: Way, answer: ChatAnswer) -> Outcome:
        """Try once."""
        outcome = _without_secrets(await self._try(platform_id, way, answer), answer)
        if not is_test(platform_id):
            metrics.CHAT_ANSWERS.labels(way.name, outcome_name(outcome)).inc()
        if isinstance(outcome, Misconfigured):
            log.warning("chat not answered", way=way.name, platform=str(platform_id), why=outcome.detail)
        return outcome

    async def _try(self, platform_id: UUID, way: Way, answer: ChatAnswer) -> Outcome:
        account = await self._account(platform_id, way)
        if account is None and way.needs_account and not is_test(platform_id):
            return Misconfigured(f"there is no account of {way.channel} that opens; PutChannel sets it up")
        try:
            async with asyncio.timeout(self._seconds), self._room:
                if is_test(platform_id):
                    return await self._capture(platform_id, way, answer, account)
                return await way.answer(answer, account or Account(platform_id, {}))
        except TimeoutError:
            return Retry(f"no answer within {self._seconds:g} seconds")
        except Exception as error:  # noqa: BLE001
            # The text of an error may hold what it was about, so only its kind is said.
            log.error("way to answer failed", way=way.name, error=type(error).__name__)  # noqa: TRY400
            return Retry(f"the way to answer failed: {type(error).__name__}")

    async def _capture(self, platform_id: UUID, way: Way, answer: ChatAnswer, account: Account | None) -> Outcome:
        """Keep the answer of a test platform: nobody is in its chats, or somebody real who must not be told."""
        outcome, captured = await self._sandbox.answer(platform_id, way, answer, account)
        async with self._database.work() as work:
            await keep(work.connection, [captured])
        return outcome

    async def _account(self, platform_id: UUID, way: Way) -> Account | None:
        key = platform_id, way.channel
        async with self._database.read() as connection:
            return (await self._accounts.find(connection, [key])).get(key)


def _without_secrets(outcome: Outcome, answer: ChatAnswer) -> Outcome:
    """Leave out URLs, and what a service repeats of where an answer goes: ids and tokens, which all have digits."""
    if isinstance(outcome, Sent):
        return outcome
    detail = without_addresses(outcome.detail, "")
    for secret in answer.values.values():
        if any(sign.isdigit() for sign in secret):
            detail = without_addresses(detail, secret)
    return replace(outcome, detail=detail)
