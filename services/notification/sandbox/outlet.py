"""The outlet of a test platform: it takes requests as they would go out, keeps them, and answers; it never connects."""

import json as codec
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from services.chassis.http import Http, NotAllowed, Reply

_FORM = "application/x-www-form-urlencoded"
_AGENT = "groupbuy"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it would have gone out, and what it was answered."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int = 0
    """Of the answer; as HTTP has it, or SMTP."""
    answer: bytes = b""

    @property
    def path(self) -> str:
        """The path of the URL."""
        return urlsplit(self.url).path


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request is answered; one for a token, or to open a chat, is no message and is not kept."""

    reply: Reply
    is_message: bool = True


Answers: TypeAlias = Callable[[Exchange], Answered]


class Outlet(Http):
    """Stands in the place of the client that connects: whatever is made with it stays here."""

    def __init__(self, answers: Answers, *, allow_private: bool) -> None:
        super().__init__(seconds=1, connections=1, allow_private=allow_private)
        self._answers = answers
        self.taken: list[Exchange] = []

    async def post(
        self,
        url: str,
        *,
        json: object = None,
        data: bytes | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        traced: bool = False,  # noqa: ARG002 - nobody else's server goes on with the trace
    ) -> Reply:
        """Keep a request and answer it; NotAllowed as the client that connects."""
        if problem := self.url_problem(url):
            raise NotAllowed(problem)
        body, kind = _body(json, data, form)
        named = {"User-Agent": _AGENT} | ({"Content-Type": kind} if kind else {}) | dict(headers or {})
        asked = Exchange(method, url, _once(named), body)
        answered = self._answers(asked)
        if answered.is_message:
            reply = answered.reply
            self.taken.append(replace(asked, status=reply.status, answer=reply.body))
        return answered.reply

    def _opened(self) -> NoReturn:
        raise AssertionError("a test platform connects to nothing")


def _body(json: object, data: bytes | None, form: Mapping[str, str] | None) -> tuple[bytes, str]:
    """Write a body as the client that connects does, and name its type."""
    if json is not None:
        return codec.dumps(json).encode(), "application/json"
    if data is not None:
        return data, "application/octet-stream"
    return (urlencode(form).encode(), _FORM) if form is not None else (b"", "")


def _once(headers: Mapping[str, str]) -> dict[str, str]:
    """Give headers by their names in small letters; what is said last of one counts."""
    return {name.lower(): value for name, value in headers.items()}


def without_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Write the names of secrets in their places, however they are written there."""
    for name, secret in sorted(secrets.items(), key=lambda item: -len(item[1])):
        for written in {secret, quote(secret), quote(secret, safe=""), codec.dumps(secret)[1:-1]}:
            text = text.replace(written, f"[{name}]") if written else text
    return text
