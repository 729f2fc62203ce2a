"""Writes docs/events.md, the catalogue of events with a real body each, from what a demo has found.

.venv/bin/groupbuy demo --fast --json demo.json
.venv/bin/groupbuy demo --fast --scenes tests/e2e/scenes --json more.json
.venv/bin/python tools/catalogue.py demo.json more.json
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from services.chassis.topics import topics
from services.notification.translate import OWN_ENVELOPES, WORDS, event_types

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "events.md"
HEAD = """\
# Events

Every event that a platform can be told of by webhooks and streams (docs/webhooks.md), each with a body as it was
posted in a run of the demo. Ids, times and amounts are the demo's; long lists are cut after two. Made by
`tools/catalogue.py`.
"""
_MOST = 2


def main(demos: Sequence[Path]) -> None:
    """Write the page from what demos found, the first first."""
    bodies: dict[str, Any] = {}
    for demo in demos:
        bodies = json.loads(demo.read_text())["webhooks"]["bodies"] | bodies
    PAGE.write_text("\n".join(page(bodies)))
    print(f"wrote {PAGE.relative_to(ROOT)}: {len(bodies)} of {len(event_types())} types have a body")


def page(bodies: dict[str, Any]) -> Iterator[str]:
    """Give the lines of the page."""
    yield HEAD
    meanings = dict(read_meanings())
    for kind in event_types():
        yield f"## {kind}\n\n{meanings[kind]}\n"
        if kind in bodies:
            yield f"```json\n{json.dumps(_short(bodies[kind]), indent=1, ensure_ascii=False)}\n```\n"
        else:
            yield "The demo has none of it.\n"


def read_meanings() -> Iterator[tuple[str, str]]:
    """Read what each type means: the comment above its fact in the envelope's proto."""
    envelopes = [(word, topics()[topic].envelope) for topic, word in WORDS.items()]
    envelopes += [(word, envelope.DESCRIPTOR.full_name) for word, envelope in OWN_ENVELOPES.items()]
    for word, name in envelopes:
        package, _, envelope = name.rpartition(".")
        own = OWN_ENVELOPES.get(word)
        file = own.DESCRIPTOR.file.name.rpartition("/")[2] if own else "events.proto"
        proto = (ROOT / "proto" / package.replace(".", "/") / file).read_text()
        facts = proto.partition(f"message {envelope} {{")[2].partition("oneof fact {")[2].partition("}")[0]
        for comment, fact in re.findall(r"((?:\s*//[^\n]*\n)+)\s*\w+ (\w+) = \d+;", facts):
            yield f"{word}.{fact}", " ".join(line.strip(" /") for line in comment.strip().splitlines())


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    return [_short(one) for one in value[:_MOST]] if isinstance(value, list) else value


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
