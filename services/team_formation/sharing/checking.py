"""Whether a share template can be used: its placeholders, its address, and that what it makes leads to the invite."""

import re
from dataclasses import dataclass
from functools import lru_cache

from services.team_formation.domain import is_written
from services.team_formation.sharing.channels import TO_SET_UP, ShareTemplate
from services.team_formation.sharing.template import Piece, Template, TemplateError, parse

LEADING = ("link", "code")
WORDING = ("title", "label", "note", "price", "seller")
LONGEST_PATH = 128
"""Bytes of a Mini Program's page with its query (wxacode.get)."""

# Schemes of apps that open a share by themselves. line:// is left out: LINE gave it up, other apps could take it over.
_APPS = ("kakaotalk", "kwai", "sinaweibo", "sms", "snssdk1128", "tg", "weixin", "whatsapp", "xhsdiscover")
_HTTPS = re.compile(r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?=[/?#]|\Z)")
_SCHEME = re.compile(rf"(?:mailto|{'|'.join(_APPS)}):")
_ILLEGAL = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")  # RFC 3986, section 2
_PAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]*(?:\?|\Z)")
_CODE = "0" * 12


@dataclass(frozen=True, slots=True)
class Parts:
    """A template whose parts were read and checked."""

    url: Template
    text: Template
    mini_program_path: Template


@lru_cache(maxsize=1024)
def read(template: ShareTemplate) -> Parts:
    """Read and check a template; TemplateError names the part and the position in it."""
    part = "url"
    try:
        url = _url(template)
        part = "text"
        text = _text(template)
        part = "mini_program_path"
        path = _path(template.mini_program_path)
    except TemplateError as error:
        raise TemplateError(error.position, f"{part}: {error.problem}") from None
    return Parts(url, text, path)


def _url(template: ShareTemplate) -> Template:
    url = parse(template.url, (*LEADING, *WORDING, "text"))
    needed = TO_SET_UP.get(template.channel)
    if needed and not needed.address.fullmatch(template.url):
        raise TemplateError(1, f"{template.channel} takes an address such as {needed.example}, with a name of your own")
    if not url.pieces:
        return url
    _check_begin(url)
    for piece in url.pieces:
        found = None if piece.is_placeholder else _ILLEGAL.search(piece.text)
        if found:
            raise TemplateError(
                piece.position + found.start(), f"{found.group()} has to be percent-encoded in an address"
            )
    if "text" in url.names and not template.text:
        raise TemplateError(_position(url, "text"), "{text} is the template's text, which is empty; write one")
    text = parse(template.text, (*LEADING, *WORDING)) if "text" in url.names else Template(())
    if not (url.names | text.names) & {*LEADING}:
        raise TemplateError(len(template.url) + 1, "it leads to no invite; add {link} or {code}, here or in the text")
    return url


def _check_begin(url: Template) -> None:
    """Refuse an address that does not begin with {link}, https and a host, or an app that we know."""
    first, *more = url.pieces
    if first.is_placeholder:
        if first.text != "link":
            raise TemplateError(1, "begin with https://, mailto: or {link}")
        if more and (more[0].is_placeholder or more[0].text[0] not in "?#&/"):
            raise TemplateError(more[0].position, "behind {link} goes ?, & or # with what is added, or nothing")
        return
    host = _HTTPS.match(first.text)
    if host and host.end() == len(first.text) and more:
        raise TemplateError(more[0].position, "a host has no placeholders; put / or ? before it")
    if not host and not _SCHEME.match(first.text):
        known = ", ".join(f"{name}:" for name in _APPS)
        raise TemplateError(1, f"begin with https:// and a host, with mailto:, {{link}}, or one of {known}")


def _text(template: ShareTemplate) -> Template:
    for at, letter in enumerate(template.text):
        if not is_written(letter, lines=True):
            raise TemplateError(at + 1, f"the control character U+{ord(letter):04X} cannot be shared; leave it out")
    text = parse(template.text, (*LEADING, *WORDING))
    for at, piece in enumerate(text.pieces):
        if piece.is_placeholder and piece.text in LEADING:
            _check_apart(piece, text.pieces[at - 1 : at] if at else (), text.pieces[at + 1 : at + 2])
    copied = template.text and not template.url
    if copied and not text.names & {*LEADING}:
        raise TemplateError(len(template.text) + 1, "it leads to no invite; add {link} or {code}")
    return text


def _check_apart(piece: Piece, before: tuple[Piece, ...], after: tuple[Piece, ...]) -> None:
    """Refuse what a chat would take for a part of the link, or a reader for a part of the code."""
    neighbours = [(item.text[-1], item) for item in before] + [(item.text[0], item) for item in after]
    for letter, item in neighbours:
        glued = not letter.isspace() if piece.text == "link" else letter.isascii() and letter.isalnum()
        if item.is_placeholder or glued:
            remedy = "put a space or a line break" if piece.text == "link" else "put a space or a sign"
            raise TemplateError(piece.position, f"{{{piece.text}}} has to stand apart; {remedy} before and after it")


def _path(source: str) -> Template:
    path = parse(source, ("code",))
    if not path.pieces:
        return path
    first = path.pieces[0]
    page = None if first.is_placeholder else _PAGE.match(first.text)
    if not page:
        raise TemplateError(
            1, 'begin with the page, without a slash, then ? and the query, as in "pages/i/index?c={code}"'
        )
    if "code" not in path.names:
        raise TemplateError(len(source) + 1, "it leads to no invite; add {code} to the query")
    for piece in path.pieces:
        found = None if piece.is_placeholder else _ILLEGAL.search(piece.text)
        if found or not page.group().endswith("?"):
            position = piece.position + (found.start() if found else 0)
            raise TemplateError(position, "a page has letters, digits, _, - and /, then ? and the query with {code}")
    if len(path.filled({"code": _CODE})) > LONGEST_PATH:
        raise TemplateError(LONGEST_PATH + 1, f"it has more than {LONGEST_PATH} characters with the code; shorten it")
    return path


def _position(template: Template, name: str) -> int:
    return next(piece.position for piece in template.pieces if piece.is_placeholder and piece.text == name)
