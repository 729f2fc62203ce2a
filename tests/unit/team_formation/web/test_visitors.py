"""Who visits: the language that a browser asks for, people and programs, and addresses that guess."""

import pytest
from starlette.requests import Request

from services.team_formation.web import guesses
from services.team_formation.web.guesses import BURST, REFILL_SECONDS, Guesses
from services.team_formation.web.languages import read_by, wanted
from services.team_formation.web.opens import is_person
from tests.support.web import PERSON


def asking(language: str, query: str = "") -> Request:
    headers = [(b"accept-language", language.encode("latin-1"))]
    return Request({"type": "http", "headers": headers, "query_string": query.encode(), "path": "/", "method": "GET"})


@pytest.mark.parametrize(
    ("header", "query", "chosen"),
    [
        ("de", "", "de"),
        ("en;q=0.5, fr;q=0.9, de;q=0.1", "", "fr en de"),
        ("en;q=0, fr;q=0.1", "", "fr"),
        ("en ; q=0.8, es", "", "es en"),
        ("zh-Hant-TW", "", "zh-Hant-TW"),
        ("*", "", ""),
        ("", "", ""),
        ("en;q=nonsense, es", "", "es"),
        ("en", "lang=ar", "ar en"),
        ("en", "lang=%3Cscript%3E", "en"),
        ("x" * 10_000, "", ""),
        ("en, " * 10_000, "", " ".join(["en"] * 10)),
    ],
)
def test_the_language_is_the_one_named_else_the_one_with_the_highest_weight(
    header: str, query: str, chosen: str
) -> None:
    assert wanted(asking(header, query)) == tuple(chosen.split())


@pytest.mark.parametrize(
    ("header", "texts", "words", "title"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", ("zh-Hans", "en"), "en", "en"),
        ("de-DE,de;q=0.9,en;q=0.8", ("zh-Hans", "de"), "en", "de"),
        ("arz,ar;q=0.9", ("zh-Hans",), "ar", "zh-Hans"),
        ("tlh", ("es", "en"), "es", "es"),
        ("", ("de",), "en", "de"),
    ],
)
def test_a_visitor_gets_the_first_language_that_is_there(
    header: str, texts: tuple[str, ...], words: str, title: str
) -> None:
    chosen = read_by(asking(header), texts)
    assert (chosen[0].language, chosen[1]) == (words, title)


@pytest.mark.parametrize(
    ("agent", "person"),
    [
        (PERSON, True),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) MicroMessenger/8.0.60 Language/zh_CN", True),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari Line/15.0.0", True),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", False),
        ("TelegramBot (like TwitterBot)", False),
        ("WhatsApp/2.25.1 A", False),
        ("facebookexternalhit/1.1;line-poker/1.0", False),
        ("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", False),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Mobile Lark/7.10.2 LarkLocale/zh_CN ChannelName/Feishu", True),
        ("Mozilla/5.0 (Linux; Android 15; CUBOT KINGKONG) Chrome/142.0 Mobile Safari/537.36", True),
        ("curl/8.5.0", False),
        ("python-requests/2.32", False),
        ("", False),
    ],
)
def test_programs_that_say_what_they_are_are_no_people(agent: str, person: bool) -> None:  # noqa: FBT001
    assert is_person({b"user-agent": agent.encode()}) == person


def test_a_page_that_is_fetched_ahead_is_not_opened() -> None:
    assert not is_person({b"user-agent": PERSON.encode(), b"sec-purpose": b"prefetch"})
    assert not is_person({b"user-agent": PERSON.encode(), b"purpose": b"prefetch"})


def test_an_address_has_a_burst_and_then_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("services.team_formation.web.guesses.time.monotonic", lambda: now)
    seen = Guesses()
    for _ in range(BURST):
        assert not seen.is_blocked("192.0.2.1")
        seen.add("192.0.2.1")
    assert seen.is_blocked("192.0.2.1")
    assert not seen.is_blocked("192.0.2.2")
    now += REFILL_SECONDS
    assert not seen.is_blocked("192.0.2.1")
    seen.add("192.0.2.1")
    assert seen.is_blocked("192.0.2.1")


def test_addresses_of_one_household_count_together() -> None:
    seen = Guesses()
    for at in range(BURST):
        seen.add(f"2001:db8::{at:x}")
    assert seen.is_blocked("2001:db8::ffff")
    assert not seen.is_blocked("2001:db8:0:1::1")


@pytest.mark.parametrize("address", ["::ffff:192.0.2.1", "64:ff9b::c000:201"])
def test_an_address_of_ipv4_counts_alone_however_it_is_written(address: str) -> None:
    seen = Guesses()
    for _ in range(BURST):
        seen.add(address)
    assert seen.is_blocked("192.0.2.1")
    assert not seen.is_blocked(address.replace("201", "202").replace("2.1", "2.2"))


def test_guesses_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "_MOST", 10)
    seen = Guesses()
    for at in range(1000):
        seen.add(f"192.0.2.{at}")
        assert len(seen._seen) <= 10
