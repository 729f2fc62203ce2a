"""Invite pages as bytes: HTML, JSON and the parts that change, each made once per version and language."""

import json
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined

from services.team_formation.web.answers import HTML, JSON, Body, body_of, digest
from services.team_formation.web.latest import Latest
from services.team_formation.web.view import view_of
from services.team_formation.web.visits import Visit
from services.team_formation.web.words import Words

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_MOST = 4_000
"""Pages kept; one takes about 20 KB with its packed form."""

Key: TypeAlias = tuple[bytes, str, str, str]


class Assets:
    """Files that pages are made with, read once."""

    def __init__(self) -> None:
        static = files(__package__) / "static"
        self.style = (static / "page.css").read_text(encoding="utf-8")
        self.screen_style = (static / "screen.css").read_text(encoding="utf-8")
        self.files: dict[str, Body] = {}
        """What is served under a name that changes with the content."""
        self.script_name = self._keep("page", (static / "page.js").read_bytes())
        self.screen_script_name = self._keep("screen", (static / "screen.js").read_bytes())

    def _keep(self, name: str, script: bytes) -> str:
        named = f"{name}.{digest(script)[:12].replace('+', '-').replace('/', '_')}.js"
        self.files[named] = body_of(b"text/javascript; charset=utf-8", script)
        return named


class Pages:
    """Makes pages, and keeps those that are asked for."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._bodies: Latest[Key, Body] = Latest(_MOST)
        self._events: Latest[tuple[UUID, str, str, str], bytes] = Latest(_MOST)
        environment = Environment(
            loader=PackageLoader(__package__, "html"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates = environment
        self._live = environment.get_template("live.html")
        self._invite = environment.get_template("invite.html")
        self._notice = environment.get_template("notice.html")

    def html(self, visit: Visit, words: Words, title_language: str) -> Body:
        """Give the page."""
        return self._made(HTML, visit, words, title_language)

    def json(self, visit: Visit, words: Words, title_language: str) -> Body:
        """Give all that the page says, as JSON."""
        return self._made(JSON, visit, words, title_language)

    def event(self, visit: Visit, words: Words, title_language: str) -> bytes:
        """Give the parts of the page that change as an event of a stream: the same for all links to a team."""

        def make() -> bytes:
            view = view_of(visit, words, title_language)
            return self.as_event(self._filled(self._live, view=view, words=words, path=""), visit.version)

        key = visit.shown.team.team_id, visit.standing, words.language, title_language
        return self._events.of(key, visit.version, make)

    def notice(self, name: str, words: Words) -> Body:
        """Give a page that says one thing: unknown, busy or broken."""
        heading, text = words.say(f"{name}_title"), words.say(name)
        return body_of(HTML, self._filled(self._notice, words=words, heading=heading, text=text))

    def filled(self, template: str, words: Words, **values: object) -> bytes:
        """Fill in a page that is not kept."""
        return self._filled(self._templates.get_template(template), words=words, **values)

    def script(self, base: str) -> str:
        """Give the path of the script; `base` is the path that all pages are below."""
        return f"{base}/static/{self._assets.script_name}"

    @staticmethod
    def as_event(page: bytes, version: str) -> bytes:
        """Write a page, or parts of one, as an event of a stream."""
        return f"event: page\nid: {version}\ndata: {json.dumps(page.decode(), ensure_ascii=False)}\n\n".encode()

    def _made(self, kind: bytes, visit: Visit, words: Words, title_language: str) -> Body:
        def make() -> Body:
            return body_of(kind, self._content(kind, visit, words, title_language))

        return self._bodies.of((kind, visit.code, words.language, title_language), visit.version, make)

    def _content(self, kind: bytes, visit: Visit, words: Words, title_language: str) -> bytes:
        view = view_of(visit, words, title_language)
        if kind is JSON:
            return as_json(view)
        script = self.script(view.path.removesuffix(f"/i/{view.code}"))
        return self._filled(
            self._invite,
            view=view,
            words=words,
            script=script,
            path=view.path,
        )

    def _filled(self, template: Any, **values: object) -> bytes:
        style = _Raw(values.pop("style", self._assets.style))
        text: str = template.render(style=style, **values)
        return text.encode()


class _Raw(str):
    """Text of ours that goes into a page as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def as_json(view: "DataclassInstance") -> bytes:
    """Write a view as JSON."""
    return json.dumps(asdict(view), ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not written")
