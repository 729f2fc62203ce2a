"""Codes survive chats: links that chats make of our texts, formatting around them, and finding them in pasted texts."""

# ruff: noqa: RUF001 - Chinese has its own signs

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.team_formation.codes import ALPHABET, LENGTH
from services.team_formation.domain import is_written
from services.team_formation.sharing.channels import CHANNELS, ShareTemplate, ours
from services.team_formation.sharing.checking import read
from services.team_formation.sharing.finding import MOST_CANDIDATES, candidates
from services.team_formation.sharing.links import Shared, make
from services.team_formation.sharing.template import TemplateError
from services.team_formation.sharing.words import LANGUAGES
from tests.support.chats import FORMATTERS, LINKIFIERS

PREFIX = "https://shop.example/g/i/"

codes = st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH)
words = st.text(max_size=40).filter(is_written)
WIDE = {letter: letter + 0xFEE0 for letter in range(0x21, 0x7F)}

# Texts that people paste; {link}, {bare} (without its scheme), {code}, {quoted} and {twice} (percent-encoded).
PASTED = [
    "{link}",
    "快来看看{link}，一起拼",
    "{link}。",
    "（{link}）",
    "See ({link}).",
    "<{link}>",
    "<{link}|the offer>",
    "[the offer]({link})",
    "*{link}*",
    "_{link}_",
    "~{link}~",
    "`{link}`",
    "**{link}**",
    "||{link}||",
    '"{link}"',
    "{link}!!!",
    "{link}…",
    "{link}/",
    "{link}#top",
    "{link}?utm_source=wechat&from=singlemessage&isappinstalled=0",
    "{bare}",
    "http://{bare}",
    "看{bare}；",
    "HTTPS://SHOP.EXAMPLE/g/i/{code}",
    "https://t.me/share/url?url={quoted}&text=hello",
    "https://l.facebook.com/l.php?u={quoted}&h=AT0abc",
    "https://wa.me/?text=Buy%20together%0A{quoted}",
    "https://example.org/r?to={twice}",
    "https://t.me/shopbot?start={code}",
    "pages/i/index?c={code}",
    "pages/i/index.html?scene=c%3D{code}",
    "c={code}",
    "{code}",
    "Code: {code}.",
    "邀请码：{code}，复制后打开APP",
    "￥{code}￥",
    "【{code}】",
    "_{code}_",
    "*{code}*",
]
NOISE = "Congratulations! An announcement: http://example.org/a/123 order 202611210001, call +4930123456"


def shared(code: str, label: str = "", note: str = "", disclosure: str = "") -> Shared:
    return Shared(PREFIX + code, code, "Mangoes", label, note, "€24.90", "Fruit Shop", "en", disclosure)


def written(pasted: str, code: str) -> str:
    link = PREFIX + code
    quoted = quote(link, safe="")
    bare = link.removeprefix("https://")
    return pasted.format(link=link, bare=bare, code=code, quoted=quoted, twice=quote(quoted, safe=""))


def refused(template: ShareTemplate) -> bool:
    try:
        read(template)
    except TemplateError:
        return True
    return False


@given(codes, words, words, st.sampled_from(LANGUAGES), st.sampled_from(list(CHANNELS)))
def test_every_chat_makes_the_very_link_of_our_texts(
    code: str, label: str, note: str, language: str, channel: str
) -> None:
    text = make(ours(channel, language), shared(code, label, note, "Advertising.")).text
    for chat, links in LINKIFIERS.items():
        for formatted in (text, *(formatter(text) for formatter in FORMATTERS.values())):
            assert (PREFIX + code in links(formatted)) == (PREFIX in text), chat


@given(codes, st.text("ab .,，。*_~`()\n", max_size=6), st.text("ab .,，。*_~`()\n", max_size=6))
def test_every_chat_makes_the_very_link_of_any_text_that_is_accepted(code: str, before: str, after: str) -> None:
    template = ShareTemplate("own", text=f"{before}{{link}}{after}")
    if refused(template):
        return
    text = make(template, shared(code)).text
    for chat, links in LINKIFIERS.items():
        assert PREFIX + code in links(text), chat


@given(codes)
def test_no_formatting_takes_anything_of_a_code(code: str) -> None:
    for formatter in FORMATTERS.values():
        for marks in ("{}", "*{}*", "_{}_", "`{}`", "**{}**", "*_{}_*"):
            assert code in formatter(marks.format(PREFIX + code))


def test_other_codes_are_eaten() -> None:
    """The rules above would show a code with other letters: this is why ours have none."""
    assert FORMATTERS["telegram"]("https://shop.example/i/a_b_c") == "https://shop.example/i/abc"
    assert FORMATTERS["discord"]("https://shop.example/i/a__b__c") == "https://shop.example/i/abc"
    assert LINKIFIERS["markdown"]("https://shop.example/i/abc_") == ["https://shop.example/i/abc"]
    assert LINKIFIERS["android"]("https://shop.example/i/abc- now") == ["https://shop.example/i/abc"]
    assert LINKIFIERS["telegram"]("https://shop.example/i/abc，来") == ["https://shop.example/i/abc，来"]


@pytest.mark.parametrize("pasted", PASTED)
@settings(max_examples=25)
@given(code=codes)
def test_a_code_is_found_in_what_people_paste(pasted: str, code: str) -> None:
    assert candidates(written(pasted, code), PREFIX)[0] == code


@pytest.mark.parametrize("pasted", PASTED)
def test_a_code_is_found_among_other_words(pasted: str) -> None:
    code = "4kQz9TfWm2Lx"
    assert code in candidates(f"{NOISE}\n{written(pasted, code)}\n{NOISE}", PREFIX)


@pytest.mark.parametrize("pasted", PASTED)
def test_a_code_is_found_in_full_width_letters(pasted: str) -> None:
    code = "4kQz9TfWm2Lx"
    assert candidates(written(pasted, code).translate(WIDE), PREFIX)[0] == code


@given(codes, st.integers(0, len(PREFIX) + LENGTH), st.sampled_from("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u2069"))
def test_invisible_letters_hide_no_code(code: str, at: int, invisible: str) -> None:
    link = PREFIX + code
    assert candidates(f"看 {link[:at]}{invisible}{link[at:]} !", PREFIX)[0] == code
    assert candidates(f"{invisible}{code}{invisible}hello", PREFIX)[0] == code


@given(
    codes, st.integers(1, len(PREFIX) + LENGTH - 1), st.sampled_from(["\n", "\r\n", " \r\n", "=\r\n", "\n> ", "\n> > "])
)
def test_broken_lines_hide_no_link(code: str, at: int, line_break: str) -> None:
    link = PREFIX + code
    found = candidates(f"Look:\n{link[:at]}{line_break}{link[at:]}\nSee you", PREFIX)
    assert code in found


@given(codes, codes)
def test_a_link_goes_before_a_word(code: str, other: str) -> None:
    found = candidates(f"{other} {PREFIX}{code} {other}", PREFIX)
    assert found[0] == code
    assert set(found) == {code, other}


@given(codes)
def test_a_code_is_found_behind_many_words_of_its_length(code: str) -> None:
    text = " ".join("abcdefghijkl"[at:] + "abcdefghijkl"[:at] for at in range(12)) + " Abcdefghijkl " * 12
    found = candidates(f"{text} {PREFIX[:-2]}{code}", PREFIX)
    assert code in found


@given(st.text(max_size=400))
def test_any_text_gives_few_candidates_that_could_be_codes(text: str) -> None:
    found = candidates(text, PREFIX)
    assert len(found) == len(set(found)) <= MOST_CANDIDATES
    assert all(len(code) == LENGTH and set(code) <= set(ALPHABET) for code in found)


def test_a_text_of_nothing_but_codes_gives_twenty() -> None:
    text = " ".join(f"Ab0{number:09d}" for number in range(700))
    assert candidates(text, PREFIX) == [f"Ab0{number:09d}" for number in range(MOST_CANDIDATES)]
