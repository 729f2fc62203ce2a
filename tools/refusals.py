"""Writes docs/refusals.md from proto/reasons.toml and from the comments of the RPCs in proto/.

.venv/bin/python tools/refusals.py
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from services.chassis.reasons import Reason, read_reasons
from tools.rpc_reasons import Rpc, all_reasons, read_rpc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
PAGE = ROOT / "docs" / "refusals.md"

LANGUAGES = {"en": "English", "zh-Hans": "Simplified Chinese", "es": "Spanish", "ar": "Arabic"}
RIGHT_TO_LEFT = {"ar"}

RETRIES = {
    "never": "The same call will be refused again.",
    "new_id": "Mend the call and send it with a new request id.",
    "same_id": "Send the very same call again, with the same request id.",
    "after": "The state has to change first; then send it with a new request id.",
}
AUDIENCES = {
    "buyer": "A buyer may meet it; show the sentence below, in the buyer's language.",
    "staff": "Those who run offers at the shop meet it in the shop's own tools; a buyer never does.",
    "developer": "The calling program has to be mended; a buyer never sees it.",
    "operator": "Those who run the engine meet it in the calls between services; a platform never does.",
}
KINDS_OF_CALLS = (
    "call",
    "call that streams",
    "call over HTTP",
    "call with a request_id",
    "call with a page_token",
)

HEAD = """\
# Refusals

Made by `.venv/bin/python tools/refusals.py` from [proto/reasons.toml](../proto/reasons.toml) and the comments of the
RPCs: do not edit.

A call that is refused ends with a gRPC status and, in its details, a `google.rpc.ErrorInfo` with domain `groupbuy`. Its
`reason` is one of the names below and never changes its meaning. Its `metadata` has the keys listed here, each a text
(times in RFC 3339 and UTC, amounts as integers in minor units), and `retry`. Where fields of the request are at fault,
a `google.rpc.BadRequest` names each of them. The status message says the same in English, for developers; its wording
may change at any time. A value longer than 300 bytes is cut and ends in three dots.
"""

_RPC = re.compile(r"rpc (\w+)\(")
_SERVICE = re.compile(r"service (\w+)")
_PACKAGE = re.compile(r"package ([\w.]+);")


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def page() -> str:
    """Return the page as it should be."""
    known = read_reasons((PROTO / "reasons.toml").read_text(encoding="utf-8"))
    calls = rpcs()
    parts = [HEAD, *_words(), *_by_rpc(known, calls), *_by_reason(known), *_for_buyers(known)]
    return "\n".join(parts)


def rpcs() -> list[Rpc]:
    """Return every RPC of proto/, in the order of the files."""
    files = sorted(PROTO.rglob("*.proto"), key=lambda path: (path.name.endswith("_internal.proto"), path))
    return [rpc for path in files for rpc in read_rpcs(path.read_text(encoding="utf-8"))]


def read_rpcs(text: str) -> Iterator[Rpc]:
    """Read the RPCs of one proto with the comments above them."""
    package = service = ""
    comment: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("//"):
            comment.append(line.removeprefix("//").strip())
            continue
        if found := _PACKAGE.match(line):
            package = found[1]
        elif found := _SERVICE.match(line):
            service = f"{package}.{found[1]}"
        elif found := _RPC.match(line):
            yield read_rpc(service, found[1], " ".join(comment))
        comment = []


def _words() -> Iterator[str]:
    yield table(("retry", "what to do"), [(f"`{word}`", text) for word, text in RETRIES.items()])
    yield table(("for", "who can do something about it"), [(f"`{word}`", text) for word, text in AUDIENCES.items()])


def _by_rpc(known: Mapping[str, Reason], calls: list[Rpc]) -> Iterator[str]:
    yield "## By call\n"
    rows = [
        (f"every {kind}", [name for name, reason in known.items() if reason.every == kind]) for kind in KINDS_OF_CALLS
    ]
    yield table(("any service", "reasons"), [(kind, _links(names)) for kind, names in rows])
    for service in dict.fromkeys(rpc.service for rpc in calls):
        own = [rpc for rpc in calls if rpc.service == service]
        lists = [(rpc.name, [name for name in all_reasons(rpc, own) if not known[name].every]) for rpc in own]
        yield table(
            (f"`{service}`", "reasons"), [(name, _links(names) or "only those of every call") for name, names in lists]
        )


def _by_reason(known: Mapping[str, Reason]) -> Iterator[str]:
    yield "## By reason\n"
    yield table(
        ("reason", "status", "retry", "for", "message", "metadata"),
        [
            (
                f'<a id="{_anchor(name)}"></a>`{name}`',
                f"`{reason.code.name}`",
                f"`{reason.retry}`",
                f"`{reason.audience}`",
                reason.message,
                "<br>".join(f"`{key}`: {meaning}" for key, meaning in reason.metadata.items()),
            )
            for name, reason in known.items()
        ],
    )


def _for_buyers(known: Mapping[str, Reason]) -> Iterator[str]:
    yield "## For buyers\n"
    yield "A name in braces stands for that key of the metadata.\n"
    yield table(
        ("reason", *LANGUAGES.values()),
        [
            (f"[{name}](#{_anchor(name)})", *(_directed(tag, reason.buyer[tag]) for tag in LANGUAGES))
            for name, reason in known.items()
            if reason.buyer
        ],
    )


def _directed(language: str, text: str) -> str:
    return f'<div dir="rtl">{text}</div>' if language in RIGHT_TO_LEFT else text


def _links(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}](#{_anchor(name)})" for name in names)


def _anchor(name: str) -> str:
    return name.lower()


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table of Markdown."""
    columns = tuple(head)
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
