"""The web edge of one replica on a real server, and visitors of its pages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

import aiohttp

from services.chassis import ids
from services.team_formation import domain, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.doors import Doors
from services.team_formation.settings import Settings
from services.team_formation.signed_links import MemberLinks, PromoterLinks
from services.team_formation.web.ground import Ground
from services.team_formation.web.wiring import Web
from tests.support.formation import PUBLIC_URL, Formation, a_campaign
from tests.support.handing_over import tokens
from tests.support.until import until

PERSON = "Mozilla/5.0 (Linux; Android 15; Mobile) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36"

Value = TypeVar("Value")


@dataclass
class Seen:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The answer as text."""
        return self.body.decode()


@dataclass
class Visitor:
    """Somebody with a browser."""

    session: aiohttp.ClientSession
    origin: str
    web: Web

    async def get(self, path: str, language: str = "en", **headers: str) -> Seen:
        """Open an address; headers are written with underscores."""
        sent = {"user-agent": PERSON, "accept-language": language}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(self.origin + path, headers=sent, allow_redirects=False) as response:
            return Seen(response.status, response.headers, await response.read())

    async def data(self, code: str, after: str = "", **headers: str) -> Any:
        """Read all that a page says."""
        path = f"/i/{code}.json" + (f"?after={after}" if after else "")
        async with self.session.get(self.origin + path, headers=headers) as response:
            assert response.status == 200
            return await response.json()


async def becomes(
    ask: Callable[[], Awaitable[Value]], condition: Callable[[Value], bool], seconds: float = 20
) -> Value:
    """Ask until the answer is as it should be, and give it."""

    async def look() -> tuple[Value] | None:
        answer = await ask()
        return (answer,) if condition(answer) else None

    [answer] = await until(look, seconds=seconds)
    return answer


async def no_commissions(_platform: UUID, _promoter: str, _campaigns: Sequence[UUID]) -> None:
    """Answer as where pricing is away: a formation alone has none."""


@asynccontextmanager
async def a_web_edge(formation: Formation, **settings: Any) -> AsyncIterator[Visitor]:
    """Serve the pages of a replica's database in a process of their own, so to say: with caches of their own."""
    made, to_chats = settings.pop("tokens", None) or tokens(), settings.pop("to_chats", None)
    tickets = settings.pop("tickets", None)
    links = MemberLinks("a secret of tests", PUBLIC_URL)
    doors, submit = Doors(formation.database), formation.commands.submit
    ground = Ground(
        formation.database,
        formation.clock,
        Catalogue(),
        formation.codes,
        doors,
        made,
        links,
        PromoterLinks("a secret of tests", PUBLIC_URL),
        submit,
        settings.pop("commissions", no_commissions),
        settings.pop("switch", None),
    )
    chosen = Settings.model_construct(
        **{"web_listen": "127.0.0.1:0", "web_proxies": "", "web_origins": "", "drain_seconds": 1.0, **settings}
    )
    web = Web(ground, to_chats, tickets)
    parts = web.parts(chosen)
    tasks = []
    for part in parts:
        if part.start:
            await part.start()
        if part.run:
            tasks.append(asyncio.create_task(part.run()))
    async with aiohttp.ClientSession() as session:
        try:
            yield Visitor(session, f"http://127.0.0.1:{web.port}", web)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for part in reversed(parts):
                if part.stop:
                    await part.stop()


def a_shown_campaign(**changes: Any) -> domain.Campaign:
    """A campaign that a page can show all of."""
    campaign = a_campaign(**changes)
    texts = (domain.LocalizedText("en", "Mangoes", "No returns of fruit."), domain.LocalizedText("zh-Hans", "芒果"))
    shown = replace(campaign.presentation, texts=texts, checkout_url="https://shop.example/buy")
    return replace(campaign, presentation=shown)


def code_of(campaign: domain.Campaign) -> str:
    """Give the code of a campaign's page."""
    return translate.campaign_id(campaign.campaign_id).removeprefix("camp_")


async def an_invite(formation: Formation, team_id: str, **changes: Any) -> str:
    """Make an invite to a team, of a promoter where no member is named, and give its code."""
    command = domain.NewInvite(
        ids.new_id(),
        changes.pop("member_id", ""),
        changes.pop("promoter_id", "kol"),
        "wechat",
        changes.pop("label", "Mei"),
        changes.pop("note", ""),
        changes.pop("expires_at", None),
        changes.pop("max_uses", 0),
        changes.pop("commission_basis_points", 0),
    )
    await formation.on_team("CreateInvite", command, team_id)
    return formation.codes.code(command.invite_id)
