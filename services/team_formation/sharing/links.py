"""Share links: a template filled with an invite's values, so that link and code survive the chats they pass through."""

import re
from dataclasses import dataclass
from unicodedata import bidirectional
from urllib.parse import quote

from services.team_formation.sharing.channels import ShareTemplate
from services.team_formation.sharing.checking import WORDING, Parts, read
from services.team_formation.sharing.template import Template

# https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/qrcode-link/qr-code/getUnlimitedQRCode.html
SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")

# The strong directions of letters (Unicode Bidirectional Algorithm), each with those that run against it.
_STRONG = {"L": {"R", "AL"}, "R": {"L"}, "AL": {"L"}}
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


@dataclass(frozen=True, slots=True)
class Shared:
    """What is shared: the values of the placeholders, and the disclosure where the sender earns a commission."""

    link: str
    code: str
    title: str
    label: str
    note: str
    price: str
    seller: str
    language: str
    """Of our own words."""
    disclosure: str = ""


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A ready-made way to share an invite in one channel; see the fields of the API's message."""

    channel: str
    url: str
    text: str
    mini_program_path: str
    mini_program_scene: str
    disclosure: str


def make(template: ShareTemplate, shared: Shared) -> ShareLink:
    """Make the share link of a channel; TemplateError where the template was never accepted."""
    parts = read(template)
    values = {name: getattr(shared, name) for name in ("link", "code", *WORDING)}
    text = _text(parts.text, values)
    if text and shared.disclosure:
        text = f"{shared.disclosure}\n{text}"
    path = parts.mini_program_path.filled(values)
    url = _url(parts, values, text, shared.disclosure)
    return ShareLink(template.channel, url, text, path, _scene(path, shared.code), shared.disclosure)


def _text(template: Template, values: dict[str, str]) -> str:
    """Fill a text; a line whose values are all empty is left out."""
    lines = [
        _line(line, values) for line in template.lines() if not line.names or any(values[name] for name in line.names)
    ]
    return "\n".join(lines).strip()


def _line(line: Template, values: dict[str, str]) -> str:
    """Fill a line; a value that runs against the line's direction is isolated, so that it moves nothing around it."""
    words = "".join(piece.text for piece in line.pieces if not piece.is_placeholder)
    runs = next((runs for letter in words if (runs := bidirectional(letter)) in _STRONG), "")
    against = _STRONG[runs] if runs else set()
    isolated = {
        name: f"{_ISOLATE}{value}{_END}" if name in WORDING and {*map(bidirectional, value)} & against else value
        for name, value in values.items()
    }
    return line.filled(isolated)


def _url(parts: Parts, values: dict[str, str], text: str, disclosure: str) -> str:
    """Fill an address, values percent-encoded (RFC 3986); a link that it begins with stays as it is.

    Where it has words of its own and not the text, which begins with the disclosure, the first of them does.
    """
    pieces = parts.url.pieces
    if not pieces:
        return ""
    wording = [piece.text for piece in pieces if piece.is_placeholder and piece.text in WORDING]
    filled = {**values, "text": text}
    if disclosure and wording and "text" not in parts.url.names:
        filled[wording[0]] = f"{disclosure} {filled[wording[0]]}".strip()
    if pieces[0].text.lower().startswith("mailto:"):
        filled["text"] = text.replace("\n", "\r\n")
    if pieces[0].is_placeholder:
        return values["link"] + Template(pieces[1:]).filled(filled, _encode)
    return parts.url.filled(filled, _encode)


def _encode(value: str) -> str:
    return quote(value, safe="")


def _scene(path: str, code: str) -> str:
    """Give the query of a page where WeChat takes it as a scene, else the code alone; "" without a page."""
    query = path.partition("?")[2]
    return query if SCENE.fullmatch(query) else code if path else ""
