"""Apps of chat services: setting them up, forgetting them, listing them."""

import re
from collections.abc import Mapping

from groupbuy.team_formation.v1 import chat_apps_pb2

from services.chassis.errors import Rejected, invalid
from services.chassis.server import caller
from services.team_formation import translate
from services.team_formation.chats.apps import Apps, Terms
from services.team_formation.hooks.registry import SERVICES
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.store.chat_apps import AppRow

MOST_SECRETS = 10
LONGEST_SECRET = 512
LONGEST_LINK = 500
_CODE = "{code}"
_LINK = re.compile(rf"https://[a-zA-Z0-9.-]{{1,250}}/[!-~]{{1,{LONGEST_LINK}}}")


class ChatAppRpcs(Rpcs):
    """Answers about apps of chat services."""

    async def PutChatApp(  # noqa: N802
        self, request: chat_apps_pb2.PutChatAppRequest, _context: Context
    ) -> chat_apps_pb2.PutChatAppResponse:
        """Set an app up, or change its secrets."""
        apps = self._apps()
        _check_name(request.service, request.name)
        terms = Terms(request.allows_leave, _open_link(request.open_link))
        row = await apps.put(caller(), request.service, request.name, _secrets(request), terms)
        return chat_apps_pb2.PutChatAppResponse(app=self._written(row, apps.counted(row)))

    async def DeleteChatApp(  # noqa: N802
        self, request: chat_apps_pb2.DeleteChatAppRequest, _context: Context
    ) -> chat_apps_pb2.DeleteChatAppResponse:
        """Forget an app."""
        apps = self._apps()
        _check_name(request.service, request.name)
        await apps.delete(caller(), request.service, request.name)
        return chat_apps_pb2.DeleteChatAppResponse()

    async def ListChatApps(  # noqa: N802
        self, _request: chat_apps_pb2.ListChatAppsRequest, _context: Context
    ) -> chat_apps_pb2.ListChatAppsResponse:
        """List the platform's apps."""
        found = await self._apps().of(caller())
        return chat_apps_pb2.ListChatAppsResponse(apps=[self._written(row, counted) for row, counted in found])

    def _apps(self) -> Apps:
        if self._desk.apps is None:
            missing = "GROUPBUY_SEAL_KEYS or GROUPBUY_NOTIFICATION is not set"
            raise Rejected("CHAT_APPS_UNAVAILABLE", {"why": missing})
        return self._desk.apps

    def _written(self, row: AppRow, counted: Mapping[str, int]) -> chat_apps_pb2.ChatApp:
        return chat_apps_pb2.ChatApp(
            service=row.service,
            name=row.name,
            url=self._desk.codes.hook(row.service, row.app_id),
            secrets=counted,
            version=row.version,
            created_at=translate.time(row.created_at),
            updated_at=translate.time(row.updated_at),
            allows_leave=row.allows_leave,
            open_link=row.open_link,
        )


def _check_name(service: str, name: str) -> None:
    if service not in SERVICES:
        raise invalid("service", f"must be one of {', '.join(SERVICES)}")
    fields.refuse(fields.check_channel("name", name))


def _open_link(link: str) -> str:
    if not link or (_LINK.fullmatch(link) and link.count(_CODE) == 1):
        return link
    raise invalid("open_link", f"must be an https URL of at most {LONGEST_LINK} characters with {_CODE} in it once")


def _secrets(request: chat_apps_pb2.PutChatAppRequest) -> dict[str, list[str]]:
    if len(request.secrets) > MOST_SECRETS:
        raise invalid("secrets", f"must be at most {MOST_SECRETS}")
    values = {name: list(secret.values) for name, secret in request.secrets.items()}
    if any(len(value) > LONGEST_SECRET for items in values.values() for value in items):
        raise invalid("secrets", f"none may have more than {LONGEST_SECRET} characters")
    return values
