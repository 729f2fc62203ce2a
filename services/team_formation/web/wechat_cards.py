"""Cards in WeChat: its browser shows a link as we wish if the page is signed, by a script that is loaded there alone.

Source: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html. A platform that wants cards has set
the file that WeChat looks for, so that of all others nothing is asked, and their pages are as strict there as anywhere.
"""

import json
import re
import secrets
from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.chassis.clock import Clock
from services.team_formation.web.answers import (
    FRESH,
    JSON,
    NO_STORE,
    Answer,
    Headers,
    answer,
    body_of,
    common,
    for_pages,
)
from services.team_formation.web.share_cards import Card
from services.team_formation.web.strangers import Strangers
from services.team_formation.wechat.files import ServedFiles
from services.team_formation.wechat.signing import signature, url_problem
from services.team_formation.wechat.tickets import Ticket, Tickets

SCRIPT = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
FRAMES = "weixin: wvjbscheme:"
"""Addresses by which the app and a page in it talk; nothing is loaded by them."""
_WECHAT = re.compile(r"MicroMessenger", re.IGNORECASE)
_WECOM = re.compile(r"wxwork", re.IGNORECASE)
"""It says that it is WeChat too, and asks for tickets of its own."""
_CALLS = ["updateAppMessageShareData", "updateTimelineShareData"]
_A_MINUTE = b"public, max-age=60"
_PLAIN = b"text/plain; charset=utf-8"
_VARY = (b"vary", b"user-agent")
_LATER = [(b"retry-after", b"10")]


class WeChatCards:
    """Signs pages, and serves the files by which WeChat is told that it may trust them."""

    def __init__(
        self, files: ServedFiles, tickets: Tickets | None, clock: Clock, strangers: Strangers, style: str
    ) -> None:
        self._files = files
        self._tickets = tickets
        self._clock = clock
        self._strangers = strangers
        self._usual = [*for_pages(FRESH, style), _VARY]
        self._in_wechat = [*for_pages(FRESH, style, scripts=SCRIPT, frames=FRAMES), _VARY]

    def routes(self) -> list[BaseRoute]:
        """List what is answered at the root of the host."""
        return [Route("/MP_verify_{letters}.txt", self.file)]

    async def file(self, request: Request) -> Answer:
        """Answer with a file that a platform has set."""
        if blocked := self._strangers.blocked(request):
            return blocked
        content = await self._files.content(f"MP_verify_{request.path_params['letters']}.txt")
        if content is None:
            return self._strangers.guessed(request)
        return answer(request, body_of(_PLAIN, content.encode()), common(_A_MINUTE))

    async def page_headers(self, request: Request, platform_id: UUID) -> Headers:
        """Give the headers of a platform's page, which let WeChat's script in where it is needed."""
        browser = request.headers.get("user-agent", "")
        is_wechat = self._tickets and _WECHAT.search(browser) and not _WECOM.search(browser)
        return self._in_wechat if is_wechat and await self._files.are_set_by(platform_id) else self._usual

    async def signed(self, request: Request, platform_id: UUID, card: Card) -> Answer:
        """Answer a page of a platform that asks for its card: what WeChat's script needs, or why there is none."""
        url = request.query_params.get("url", "").partition("#")[0]
        if problem := url_problem(url, card.link):
            return _said(request, 400, {"error": "url", "why": f"url {problem}"})
        if self._tickets is None or not await self._files.are_set_by(platform_id):
            return _said(request, 404, {"error": "no_file", "why": "the platform has set no file (PutWeChatFile)"})
        ticket = await self._tickets.of(platform_id)
        if ticket.text:
            return _said(request, 200, {"script": SCRIPT, "config": self._config(ticket, url), **_shown(card)})
        if ticket.app_id or not ticket.is_certain:
            return _said(request, 503, {"error": "no_ticket", "why": "there is no ticket now"}, _LATER)
        return _said(request, 404, {"error": "no_account", "why": "the platform has no official account (PutChannel)"})

    def _config(self, ticket: Ticket, url: str) -> dict[str, object]:
        """Write what wx.config takes."""
        nonce, timestamp = secrets.token_hex(8), int(self._clock.now().timestamp())
        signed = signature(ticket.text, nonce, timestamp, url)
        return {
            "debug": False,
            "appId": ticket.app_id,
            "timestamp": timestamp,
            "nonceStr": nonce,
            "signature": signed,
            "jsApiList": _CALLS,
        }


def _shown(card: Card) -> dict[str, object]:
    """Write what the two calls take: of a message to somebody, and among moments, where the title stands alone."""
    both = {"link": card.link, "imgUrl": card.picture}
    return {"message": {"title": card.title, "desc": card.line, **both}, "moment": {"title": card.alone, **both}}


def _said(request: Request, status: int, said: Mapping[str, object], more: Headers | None = None) -> Answer:
    body = body_of(JSON, json.dumps(said, ensure_ascii=False).encode())
    return answer(request, body, [*common(NO_STORE), *(more or [])], status)
