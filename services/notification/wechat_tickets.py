"""Tickets that team_formation signs pages with for WeChat's browser: of platforms that have an official account."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from services.chassis import logs
from services.chassis.database import Database
from services.chassis.twins import is_test
from services.notification.accounts import Accounts
from services.notification.channels import Account, Misconfigured, Outcome, Retry, Sent
from services.notification.channels.registry import TICKETS_AT_ONCE
from services.notification.channels.tokens import NoToken
from services.notification.channels.wechat import WeChatApi, is_mini
from services.notification.domain import outcome_name
from services.notification.privacy import without_addresses

_CHANNEL = "wechat"

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class WeChatTicket:
    """What pages of a platform are signed with."""

    app_id: str = ""
    """Of its official account; empty where it has none."""
    ticket: str = field(default="", repr=False)
    """Empty where WeChat gives none now; `why` says why, for operators."""
    why: str = ""


class WeChatTickets:
    """Gives the tickets of every platform; nothing is tried again here, whoever asks comes back."""

    def __init__(self, database: Database, accounts: Accounts, api: WeChatApi, *, seconds: float) -> None:
        self._database = database
        self._accounts = accounts
        self._api = api
        self._seconds = seconds
        self._room = asyncio.Semaphore(TICKETS_AT_ONCE)

    async def of(self, platform_id: UUID) -> WeChatTicket:
        """Give the ticket of a platform, kept or new. A test platform has none: WeChat would have to be asked."""
        account = None if is_test(platform_id) else await self._official(platform_id)
        if account is None:
            return WeChatTicket()
        app_id = account.settings.get("app_id", "")
        try:
            async with asyncio.timeout(self._seconds), self._room:
                return WeChatTicket(app_id, await self._api.ticket(account))
        except NoToken as none:
            outcome = none.outcome
        except TimeoutError:
            outcome = Retry(f"no answer within {self._seconds:g} seconds")
        except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold what it was about
            outcome = Retry(f"the ticket cannot be read: {type(error).__name__}")
        return WeChatTicket(app_id, why=_told(platform_id, outcome))

    async def _official(self, platform_id: UUID) -> Account | None:
        """Find the account; one of a Mini Program has no web pages."""
        key = platform_id, _CHANNEL
        async with self._database.read() as connection:
            account = (await self._accounts.find(connection, [key])).get(key)
        return None if account is None or is_mini(account) else account


def _told(platform_id: UUID, outcome: Outcome) -> str:
    detail = outcome_name(outcome) if isinstance(outcome, Sent) else without_addresses(outcome.detail, "")
    if isinstance(outcome, Misconfigured):
        log.warning("no ticket of WeChat", platform=str(platform_id), why=detail)
    return detail
