"""WeChat as pages meet it: its API with an official account, and a web edge whose tickets come from notification."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from groupbuy.notification.v1 import notification_internal_pb2_grpc

from services.notification.accounts import Accounts
from services.notification.store import AccountRow
from services.notification.testing import Answer, Request, http_sink
from services.team_formation.wechat.files import WeChatFiles
from services.team_formation.wechat.tickets import Tickets
from tests.support.formation import PLATFORM, Formation
from tests.support.notification_rpc import SERVICE_KEY, an_api
from tests.support.notifying import SEALER, Notifying, a_notification
from tests.support.web import Visitor, a_web_edge

APP_ID = "wx1234567890abcdef"
TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
BROWSER = (
    "Mozilla/5.0 (Linux; Android 15; Mobile) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0"
    " Mobile Safari/537.36 XWEB/1260 MMWEBSDK/20240802 MicroMessenger/8.0.53.2740(0x28003533) WeChat/arm64"
)
LETTERS = "A1b2C3d4E5f6G7h8"
FILE = f"MP_verify_{LETTERS}.txt"


@dataclass
class WeChatServer:
    """The two calls that a ticket takes; `answer` is given instead of a ticket."""

    answer: Answer | None = None
    tickets: int = 0

    def __call__(self, request: Request) -> Answer:
        """Answer as WeChat documents."""
        if request.path == "/cgi-bin/stable_token":
            return Answer(200, {"access_token": "t-1", "expires_in": 7200})
        self.tickets += 1
        return self.answer or Answer(200, {"errcode": 0, "errmsg": "ok", "ticket": TICKET, "expires_in": 7200})


@dataclass
class CountedStub:
    """Notification's calls for other services, counted."""

    stub: Any
    asked: int = 0

    def GetWeChatTicket(self, *request: Any, **options: Any) -> Any:  # noqa: N802
        """Ask for a ticket."""
        self.asked += 1
        return self.stub.GetWeChatTicket(*request, **options)


@dataclass
class WeChatStage:
    """A web edge, what stands behind its tickets, and whoever visits it."""

    visitor: Visitor
    formation: Formation
    wechat: WeChatServer
    notification: Notifying
    calls: CountedStub
    api: str

    async def put_file(self, platform_id: UUID = PLATFORM, letters: str = LETTERS) -> None:
        """Set a platform's file, as PutWeChatFile does."""
        files = WeChatFiles(self.formation.database, self.formation.clock)
        await files.put(platform_id, f"MP_verify_{letters}.txt", letters)

    async def put_account(self, platform_id: UUID = PLATFORM, **changed: str) -> None:
        """Set a platform's account up, as PutChannel does."""
        shown = {"app_id": APP_ID, "base_url": self.api, **changed}
        async with self.notification.database.work() as work:
            row = AccountRow(platform_id, "wechat", 0, shown, b"", self.notification.clock.now())
            await Accounts(SEALER).save(work.connection, row, {"secret": "0123456789abcdef" * 2})


@asynccontextmanager
async def a_wechat_stage(formation: Formation, url: str) -> AsyncIterator[WeChatStage]:
    """Run it; `url` is of a fresh database of notification."""
    wechat = WeChatServer()
    async with (
        http_sink(wechat) as sink,
        a_notification(url, formation.clock) as notification,
        an_api(notification, private=True) as api,
        grpc.aio.insecure_channel(api.address) as channel,
    ):
        calls = CountedStub(notification_internal_pb2_grpc.NotificationInternalStub(channel))
        tickets = Tickets(calls, SERVICE_KEY)  # type: ignore[arg-type]  # it has what is called of the stub
        async with a_web_edge(formation, tickets=tickets) as visitor:
            yield WeChatStage(visitor, formation, wechat, notification, calls, sink.url)
