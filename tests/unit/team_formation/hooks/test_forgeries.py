"""A hundred thousand forged calls over all services: none is taken, none makes a check raise, and it would be seen."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from services.team_formation.hooks import discord, feishu, frames, line, slack, telegram, wechat
from services.team_formation.hooks.call import Call, Outcome
from services.team_formation.hooks.registry import SERVICES
from tests.support.forging import FORGERS, forge, honest
from tests.support.hook_calls import BY_NAME, STYLES, Raw, Style

EACH = 11_200
"""Forgeries of each of the nine services."""
FEW = 3_000


@pytest.mark.parametrize("service", SERVICES)
def test_no_forgery_is_accepted(service: str, counted: Callable[[str], None]) -> None:
    styles = [style for style in STYLES if style.service == service]
    tally = forge(styles, EACH, seed=service)
    counted(tally.line(service))
    assert tally.raised == []
    assert tally.accepted == []
    assert sum(tally.tried.values()) == EACH


@pytest.mark.parametrize("name", [style.name for style in STYLES if style.covers])
def test_where_the_content_is_signed_nothing_is_taken_as_uncovered(name: str) -> None:
    tally = forge([BY_NAME[name]], FEW, seed=name)
    assert not tally.uncovered
    assert all(kind.startswith("body:") for kind in tally.same)


@pytest.mark.parametrize("kind", FORGERS)
def test_every_way_is_tried_somewhere(kind: str) -> None:
    tally = forge(STYLES, 40, seed=kind, only=kind)
    assert sum(tally.tried.values()) == 40
    assert not tally.accepted
    assert not tally.raised


# Checks with one weakness each: the suite must see it, in the way that is meant for it.


def says_yes(_given: object, _expected: Iterable[str]) -> bool:
    return True


def any_time(*_: object) -> bool:
    return True


def looks_at_the_beginning(given: str | None, expected: Iterable[str]) -> bool:
    return any((given or "")[:8] == one[:8] for one in expected)


def takes_small_and_capital(given: str | None, expected: Iterable[str]) -> bool:
    return (given or "").strip().lower() in {one.lower() for one in expected}


def takes_no_secret(given: str | None, expected: Iterable[str]) -> bool:
    return not given or given in expected


def takes_the_first(call: Call, name: str) -> str | None:
    return next(iter(call.headers.get(name, ())), None)


def takes_any_type(call: Call, _types: object) -> None:
    return None


def takes_any_receiver(frame: bytes, _receive_ids: object) -> bytes | None:
    inner = frame[: -frame[-1]]
    return inner[20 : 20 + int.from_bytes(inner[16:20], "big")]


WEAK: list[tuple[str, str, Any, str, Any]] = [
    ("slack event", "signature: one bit", slack, "is_one_of", says_yes),
    ("slack event", "signature: one bit", slack, "is_one_of", looks_at_the_beginning),
    ("slack event", "signature: another form", slack, "is_one_of", takes_small_and_capital),
    ("slack event", "signature: absent", slack, "is_one_of", takes_no_secret),
    ("slack event", "replay: late", slack, "is_recent", any_time),
    ("slack event", "replay: early", slack, "is_recent", any_time),
    ("slack event", "signature: several", Call, "header", takes_the_first),
    ("telegram", "signature: cut", telegram, "is_one_of", looks_at_the_beginning),
    ("line", "content type", line, "not_admitted", takes_any_type),
    ("line", "size", line, "not_admitted", takes_any_type),
    ("discord", "replay: late", discord, "is_recent", any_time),
    ("feishu", "signed: a name twice", feishu, "read_object", json.loads),
    ("wechat plain", "nonce: another", wechat, "is_one_of", says_yes),
    ("wechat", "frame: another receiver", frames, "_message", takes_any_receiver),
    ("wecom", "frame: another padding", frames, "_message", takes_any_receiver),
    ("dingtalk event", "frame: another receiver", frames, "_message", takes_any_receiver),
]


@pytest.mark.parametrize(
    ("name", "kind", "where", "what", "weak"), WEAK, ids=[f"{row[0]}, {row[1]}, {row[4].__name__}" for row in WEAK]
)
def test_a_weak_check_is_seen(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: str, where: Any, what: str, weak: Any
) -> None:
    assert not forge([BY_NAME[name]], 200, seed=name, only=kind).accepted
    monkeypatch.setattr(where, what, weak)
    tally = forge([BY_NAME[name]], 200, seed=name, only=kind)
    assert tally.accepted or tally.raised


def test_a_check_of_what_was_parsed_and_written_again_is_seen() -> None:
    def framework(style: Style, raw: Raw) -> Outcome:
        """Keep no raw body, and check what one would have written oneself."""
        try:
            body = json.dumps(json.loads(raw.body), ensure_ascii=False).encode()
        except ValueError:
            body = raw.body
        return honest(style, replace(raw, body=body))

    assert forge([BY_NAME["line"]], 200, "again", framework, only="body: written again").accepted


def test_a_check_that_raises_is_seen() -> None:
    def hasty(style: Style, raw: Raw) -> Outcome:
        """Compare as the standard library does without help: it takes ASCII only."""
        hmac.compare_digest(raw.value(*style.proof), "x")
        int(raw.value("header", "X-Slack-Request-Timestamp"))
        return honest(style, raw)

    tally = forge([BY_NAME["slack event"]], FEW, "hasty", hasty)
    assert any("ValueError" in problem for problem in tally.raised)
