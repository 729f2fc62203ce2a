"""What messengers' APIs have in common: a token and a base_url are set up, a JSON call is made, a person reads text.

A channel says what its service means by an answer; that no answer of the service came is read here.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.notification.channels import Account, Http, Letter, Misconfigured, Outcome, Retry
from services.notification.channels.http import NotAllowed, NotReached, Reply

_LINKS_AT_END = re.compile(r"(?:\n[^\n]*https?://\S+)+\Z")


def account_problems(
    http: Http, settings: Mapping[str, str], token: re.Pattern[str], must_be: str
) -> Mapping[str, str]:
    """Look at the form of the token, and at the URL of a server of one's own."""
    return form_problems(http, settings, {"token": (token, must_be)})


def form_problems(
    http: Http, settings: Mapping[str, str], forms: Mapping[str, tuple[re.Pattern[str], str]]
) -> Mapping[str, str]:
    """Look at the form of each field that is there or has to be, and at the URL of a server of one's own."""
    problems = {name: must_be for name, (form, must_be) in forms.items() if not form.fullmatch(settings.get(name, ""))}
    base_url = settings.get("base_url", "")
    if base_url and (problem := http.url_problem(base_url)):
        problems["base_url"] = problem
    return problems


async def call(
    http: Http,
    account: Account,
    api: str,
    path: str,
    json: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
) -> Reply | Outcome:
    """Call a method below the account's base_url, or `api`; an outcome where no answer came."""
    base_url = (account.settings.get("base_url") or api).rstrip("/")
    try:
        return await http.post(f"{base_url}/{path}", json=json, headers=headers, method=method)
    except NotAllowed as problem:
        return Misconfigured(f"base_url {problem}")
    except NotReached as problem:
        return Retry(str(problem))


def moved(reply: Reply) -> Outcome | None:
    """Read a redirect, which is not followed (RFC 9110 section 15); None where it is none."""
    if 300 <= reply.status < 400:  # noqa: PLR2004
        return Misconfigured(f"HTTP {reply.status}: redirects are not followed; give the final base_url")
    return None


def no_answer_of(api: str, reply: Reply) -> Outcome:
    """Read what no server of an API says: something between answers, and whether the message arrived is unknown."""
    problem = f"HTTP {reply.status} without the JSON of the {api}"
    if reply.is_good or reply.is_busy:
        return Retry(problem, reply.retry_after())
    return Misconfigured(f"{problem}; look at base_url")


def utf16(text: str) -> int:
    """Count UTF-16 units, of which most characters have one and emoji have two."""
    return len(text.encode("utf-16-le")) // 2


def utf8(text: str) -> int:
    """Count bytes of UTF-8."""
    return len(text.encode())


def shortened(text: str, longest: int, size: Callable[[str], int] = len) -> str:
    """Cut a text, so that one sees that it was cut; no character in two, whatever `size` counts."""
    if size(text) <= longest:
        return text
    left = longest - size("…")
    return text[: bisect_right(range(1, len(text)), left, key=lambda count: size(text[:count]))] + "…"


def shortened_before_links(text: str, longest: int, size: Callable[[str], int] = len) -> str:
    """Cut a text, but for the lines at its end that have links: half a link leads nowhere."""
    links = _LINKS_AT_END.search(text)
    if size(text) <= longest or links is None or size(links[0]) > longest // 2:
        return shortened(text, longest, size)
    return shortened(text[: links.start()], longest - size(links[0]), size) + links[0]


def escaped_within(text: str, markup: re.Pattern[str], longest: int) -> str:
    """Put a backslash before each character of a markup, and cut to so many characters with them, none in two."""
    whole = markup.sub(r"\\\1", text)
    if len(whole) <= longest:
        return whole
    pieces, left = [], longest - 1
    for character in text:
        piece = markup.sub(r"\\\1", character)
        if len(piece) > left:
            break
        pieces.append(piece)
        left -= len(piece)
    return "".join(pieces) + "…"


def one_line(text: str) -> str:
    """Write a text without line breaks and runs of spaces."""
    return " ".join(text.split())


def text_of(letter: Letter) -> str:
    """Write subject and body as one text."""
    return "\n\n".join(filter(None, (letter.subject.strip(), letter.body.strip())))


def buttons_of(letter: Letter) -> Sequence[tuple[str, str]]:
    """List the buttons of a letter where two are shown: the link of each, and what it says, which may be the link."""
    found = {letter.link: letter.link_label, letter.place: letter.place_label}
    return [(link, label or link) for link, label in found.items() if link]
