"""The words of answers in chats: harmless, and within what a service takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.answering import Card, whatsapp, words
from services.notification.channels.messenger import shortened, utf8, utf16
from services.notification.channels.wechat import harmless as harmless_there

TEXTS = st.text(max_size=400)
SIZES = st.sampled_from([len, utf8, utf16])


def card(title: str, *lines: str, footer: str = "", label: str = "Join", url: str = "https://s.example/i/x") -> Card:
    return words.card(
        title=title, lines=lines, footer=footer, url="", button_label=label, button_url=url, picture_url=""
    )


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\0b\x1b[31mc\x7f", "ab[31mc"),
        ("\u202eevil\u202c", "evil\u202c"),
        ("\u202dforced", "forced"),
        ("\u200e34.90\u00a0€\u200f", "\u200e34.90\u00a0€\u200f"),
        (" a\n\n b ", "a\n\n b"),
        ("\r\n\t", ""),
    ],
)
def test_what_is_no_writing_is_left_out(text: str, clean: str) -> None:
    assert words.cleaned(text) == clean


def test_a_card_is_made_of_single_lines() -> None:
    made = card("A\nB", "", " c\td ", "\0", footer="e\r\nf", label="\n")
    assert (made.title, made.lines, made.footer) == ("A B", ("c d",), "e f")
    assert made.button_label == "https://s.example/i/x"


def test_a_card_without_a_button_has_no_label() -> None:
    assert card("A", url="").button_label == ""


def test_a_card_is_told_with_its_footer_and_link() -> None:
    made = card("Mangoes", "€34.90", footer="Sponsored")
    assert words.told(made, 100) == "Mangoes\n€34.90\nSponsored"
    assert words.told(made, 100, link=True) == "Mangoes\n€34.90\nSponsored\nJoin: https://s.example/i/x"


def test_what_is_too_long_is_cut_before_footer_and_link() -> None:
    made = card("Mangoes", "x" * 150, footer="Sponsored")
    told = words.told(made, 80, link=True)
    assert len(told) == 80
    assert told.endswith("x…\nSponsored\nJoin: https://s.example/i/x")


@given(TEXTS, st.lists(TEXTS, max_size=14), TEXTS, TEXTS, st.integers(80, 600), SIZES)
def test_a_card_is_never_too_long_and_its_link_is_whole(
    title: str, lines: list[str], footer: str, label: str, longest: int, size: words.Size
) -> None:
    made = card(title, *lines, footer=footer, label=label[:10])
    told = words.told(made, longest, size, link=True)
    assert size(told) <= longest
    assert told.endswith(": https://s.example/i/x")


def test_cards_are_told_whole_or_not_at_all_after_the_first() -> None:
    cards = [card(f"Team {n}", "x" * 60) for n in range(5)]
    shown = words.packed(cards, 250, link=True)
    assert [item.title for item, _ in shown] == ["Team 0", "Team 1"]
    assert len(words.joined(shown)) <= 250
    assert words.joined(words.packed(cards, 80, link=True)).endswith("…\nJoin: https://s.example/i/x")


@given(st.lists(TEXTS, min_size=1, max_size=10), st.integers(100, 2000), SIZES)
def test_cards_together_are_never_too_long(titles: list[str], longest: int, size: words.Size) -> None:
    shown = words.packed([card(title, title) for title in titles], longest, size, link=True)
    assert shown
    assert size(words.joined(shown)) <= longest


@given(TEXTS, st.integers(5, 300), SIZES)
def test_a_text_is_cut_as_late_as_can_be(text: str, longest: int, size: words.Size) -> None:
    cut = shortened(text, longest, size)
    assert size(cut) <= longest
    if cut != text:
        kept = cut.removesuffix("…")
        assert text.startswith(kept)
        assert size(text[: len(kept) + 1] + "…") > longest


def test_wechat_gets_no_tag() -> None:
    assert "<" not in harmless_there("<a href='weixin://x'>pay</a>")


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("5 * 3", "5 * 3"),
        ("*5 kg* now", "∗5 kg∗ now"),  # noqa: RUF001
        ("_a_ ~b~ ```c```", "＿a＿ ∼b∼ ˋˋˋcˋˋˋ"),  # noqa: RUF001
    ],
)
def test_whatsapp_gets_no_pair_of_marks(text: str, harmless: str) -> None:
    assert whatsapp.harmless(text) == harmless
