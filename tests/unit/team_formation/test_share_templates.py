"""Share templates: what is refused and where, what ours make of an invite, in every language and channel."""

# ruff: noqa: RUF001 - Chinese has its own signs

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.team_formation.sharing.channels import CHANNELS, TO_SET_UP, ShareTemplate, ours
from services.team_formation.sharing.checking import LEADING, WORDING, read
from services.team_formation.sharing.links import SCENE, Shared, make
from services.team_formation.sharing.template import MOST_CHARACTERS, Template, TemplateError, parse
from services.team_formation.sharing.words import FALLBACK, LANGUAGES, WORDS

CODE = "4kQz9TfWm2Lx"
LINK = f"https://shop.example/i/{CODE}"
SHARED = Shared(LINK, CODE, "Mangoes & more, 100%", "Mei", "So sweet! #1", "€24.90", "Fruit Shop", "en")
HTTPS = "https://a.example/"


def own(url: str = "", text: str = "", path: str = "") -> ShareTemplate:
    return ShareTemplate("own", url, text, path)


REFUSED = [
    (own(text="{link"), 1, "not closed"),
    (own(text="Join } {link}"), 6, "closes nothing"),
    (own(text="Join {price} {titel} {link}"), 14, "{titel} is no placeholder"),
    (own(text="{} {link}"), 1, "{} is no placeholder"),
    (own(text="{{link}} {{}}"), 14, "leads to no invite"),
    (own(text="Join us"), 8, "leads to no invite"),
    (own(text=f"{{link}} {'x' * MOST_CHARACTERS}"), 2001, "more than 2000"),
    (own(text="Join\x07 {link}"), 5, "U+0007"),
    (own(text="Join:{link}"), 6, "stand apart"),
    (own(text="看{link}，来"), 2, "stand apart"),
    (own(text="{link}{note}"), 1, "stand apart"),
    (own(text="{note}{code}"), 7, "stand apart"),
    (own(text="code{code}"), 5, "stand apart"),
    (own(text="{text} {link}"), 1, "{text} is no placeholder"),
    (own(HTTPS), 19, "leads to no invite"),
    (own(f"{HTTPS}?t={{text}}", "Join us"), 28, "leads to no invite"),
    (own(f"{HTTPS}?t={{text}}&u={{link}}"), 22, "which is empty"),
    (own(f"{HTTPS}?u={{link}}&t=a b"), 32, "percent-encoded"),
    (own(f"{HTTPS}?u={{link}}&t=ü"), 31, "percent-encoded"),
    (own(f"{HTTPS}?u={{link}}&t=%2"), 31, "percent-encoded"),
    (own(f"{HTTPS}{{{{?u={{link}}"), 19, "percent-encoded"),
    (own("http://a.example/?u={link}"), 1, "begin with https://"),
    (own("javascript:alert('{code}')"), 1, "begin with https://"),
    (own("line://msg/text/{link}"), 1, "begin with https://"),
    (own("https:/{link}"), 1, "begin with https://"),
    (own("https://user@a.example/{link}"), 1, "begin with https://"),
    (own("https://a.example{code}"), 18, "host has no placeholders"),
    (own("https://{code}.example/"), 1, "begin with https://"),
    (own("{code}?u={link}"), 1, "begin with https://"),
    (own("{link}x"), 7, "behind {link}"),
    (own("{link}{code}"), 7, "behind {link}"),
    (own(path="/pages/i?c={code}"), 1, "begin with the page"),
    (own(path="{code}"), 1, "begin with the page"),
    (own(path="pages/i/{code}"), 1, "letters, digits"),
    (own(path="pages/i?c=1"), 12, "add {code}"),
    (own(path="pages/i?t=团&c={code}"), 11, "letters, digits"),
    (own(path="pages/i?c={code}&t={title}"), 20, "{title} is no placeholder"),
    (own(path=f"pages/i?c={{code}}&t={'x' * 110}"), 129, "more than 128"),
]

ACCEPTED = [
    own(text="{link}"),
    own(text="Join {{us}}:\n{note}\n({code}) {link} !"),
    own(text="￥{code}￥"),
    own("{link}?utm_source={title}"),
    own("https://t.me/shopbot?start={code}"),
    own("https://a.example:8443?u={link}"),
    own("https://a.example/%7B{code}%7D?t={title}"),
    own(f"{HTTPS}?t={{text}}", "{title}\n{link}"),
    own(f"{HTTPS}?u={{link}}", "Join us"),
    own("tg://msg_url?url={link}&text={text}", "{title}"),
    own("mailto:?subject={title}&body={text}", "{link}"),
    own(path="pages/i/index?c={code}"),
    own(text="Join us at {link}", path="pages/i/index?c={code}&from=share"),
]


@pytest.mark.parametrize(("template", "position", "problem"), REFUSED)
def test_what_cannot_be_used_is_refused_with_its_position(template: ShareTemplate, position: int, problem: str) -> None:
    with pytest.raises(TemplateError) as refused:
        read(template)
    assert problem in refused.value.problem
    assert refused.value.position == position
    assert refused.value.problem.split(":")[0] in {"url", "text", "mini_program_path"}


@pytest.mark.parametrize("template", ACCEPTED)
def test_what_can_be_used_is_accepted_and_leads_to_the_invite(template: ShareTemplate) -> None:
    read(template)
    link = make(template, SHARED)
    assert CODE in (link.url or link.text or link.mini_program_path)


def bot(url: str, text: str = "") -> ShareTemplate:
    return ShareTemplate("telegram-bot", url, text)


@pytest.mark.parametrize("parameter", ["?start", "?startgroup", "?startapp", "/shop?startapp"])
def test_a_telegram_bot_is_started_with_the_code_alone(parameter: str) -> None:
    link = make(bot(f"https://t.me/Shop_bot{parameter}={{code}}", "{title}\n{note}"), SHARED)
    assert link.url == f"https://t.me/Shop_bot{parameter}={CODE}"
    assert link.text == "Mangoes & more, 100%\nSo sweet! #1"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://t.me/?start={code}",
        "https://t.me/bot?start={code}",
        "https://t.me/1shop_bot?start={code}",
        f"https://t.me/{'x' * 33}?start={{code}}",
        "https://t.me/shop_bot?start={link}",
        "https://t.me/shop_bot?start=team-{code}",
        "https://t.me/shop_bot?start={code}&text={title}",
        "https://t.me/shop_bot/app?start={code}",
        "https://t.me.example/shop_bot?start={code}",
        "https://t.me/shop\N{LATIN SMALL LETTER O WITH DIAERESIS}_bot?start={code}",
        "https://t.me/share?url={link}",
        "{link}",
    ],
)
def test_a_telegram_bot_that_would_not_be_told_the_code_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(TemplateError) as refused:
        read(bot(url, "{link}"))
    assert refused.value.position == 1
    assert TO_SET_UP["telegram-bot"].example in refused.value.problem


@pytest.mark.parametrize("channel", TO_SET_UP)
def test_the_example_of_a_channel_that_has_to_be_set_up_can_be_used(channel: str) -> None:
    link = make(ShareTemplate(channel, TO_SET_UP[channel].example), SHARED)
    assert CODE in link.url
    assert channel not in CHANNELS


def read_or_where(text: str) -> Template | int:
    try:
        return parse(text, ("link",))
    except TemplateError as error:
        return error.position


@given(st.text("{}ab link\n", max_size=30))
def test_a_template_is_read_into_pieces_that_make_it_again(text: str) -> None:
    template = read_or_where(text)
    if isinstance(template, int):
        assert text[template - 1] in "{}"
        return
    again = "".join(
        f"{{{piece.text}}}" if piece.is_placeholder else piece.text.replace("{", "{{").replace("}", "}}")
        for piece in template.pieces
    )
    assert again == text
    for piece in template.pieces:
        assert not piece.is_placeholder or text[piece.position - 1 :].startswith("{link}")
    assert "\n".join(line.filled({"link": "L"}) for line in template.lines()) == template.filled({"link": "L"})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
def test_ours_can_be_used_in_every_language(channel: str, language: str) -> None:
    template = ours(channel, language)
    read(template)
    link = make(template, replace(SHARED, language=language))
    assert CODE in (link.url or link.text)
    assert "{" not in link.url + link.text + link.mini_program_path


TEXT = "Mei invites you.\nSo sweet! #1\nBuy together: Mangoes & more, 100%, €24.90 now"
FULL = f"{TEXT}\n{LINK}"
OURS = {
    "web": (LINK, {}, ""),
    "wechat": ("", {}, FULL),
    "weibo": ("https://service.weibo.com/share/share.php", {"url": LINK, "title": TEXT}, TEXT),
    "xiaohongshu": ("", {}, f"{FULL}\nCode: {CODE}"),
    "douyin": ("", {}, f"{FULL}\nCode: {CODE}"),
    "kuaishou": ("", {}, f"{FULL}\nCode: {CODE}"),
    "telegram": ("https://t.me/share", {"url": LINK, "text": TEXT}, TEXT),
    "whatsapp": ("https://wa.me/", {"text": FULL}, FULL),
    "line": ("https://line.me/R/share", {"text": FULL}, FULL),
    "kakaotalk": ("", {}, FULL),
    "facebook": ("https://www.facebook.com/sharer/sharer.php", {"u": LINK}, ""),
    "x": ("https://x.com/intent/tweet", {"text": TEXT, "url": LINK}, TEXT),
    "email": ("mailto:", {"subject": "Mangoes & more, 100%", "body": FULL.replace("\n", "\r\n")}, FULL),
}


def test_there_is_an_example_of_every_channel() -> None:
    assert list(OURS) == list(CHANNELS)


@pytest.mark.parametrize("channel", OURS)
def test_what_a_channel_is_told_is_what_it_reads(channel: str) -> None:
    address, parameters, text = OURS[channel]
    link = make(ours(channel), SHARED)
    assert link.text == text
    begin, _, query = link.url.partition("?")
    assert begin == address
    assert {name: value for name, (value,) in parse_qs(query, strict_parsing=bool(query)).items()} == parameters
    assert "+" not in query


def test_a_mail_breaks_its_lines_as_its_standard_says() -> None:
    url = make(ours("email"), SHARED).url
    assert urlsplit(url).scheme == "mailto"
    assert "%0D%0A" in url
    assert unquote(url).count("\n") == unquote(url).count("\r\n") == 3


def test_wechat_gets_a_page_and_a_scene() -> None:
    link = make(ours("wechat"), SHARED)
    assert link.mini_program_path == f"pages/i/index?c={CODE}"
    assert link.mini_program_scene == f"c={CODE}"
    assert SCENE.fullmatch(link.mini_program_scene)


def test_a_query_that_is_no_scene_leaves_the_code_alone() -> None:
    link = make(own(path="pages/i/index?c={code}&from=a-long-campaign"), SHARED)
    assert link.mini_program_scene == CODE


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_commission_is_disclosed_in_every_text(channel: str, language: str) -> None:
    disclosure = WORDS[language].disclosure
    link = make(ours(channel, language), replace(SHARED, disclosure=disclosure))
    assert link.disclosure == disclosure
    assert not link.text or link.text.startswith(f"{disclosure}\n")
    says_words = {"text", "title", "body"} & parse_qs(link.url.partition("?")[2]).keys()
    assert (disclosure in unquote(link.url)) == bool(says_words)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        (own(f"{HTTPS}?u={{link}}&t={{title}}&n={{note}}"), "Advertising! Mangoes & more, 100%"),
        (own(f"{HTTPS}?u={{link}}&t={{text}}&n={{note}}", "{title}"), "Advertising!\nMangoes & more, 100%"),
    ],
)
def test_a_commission_is_disclosed_in_a_platform_s_own_address(template: ShareTemplate, value: str) -> None:
    link = make(template, replace(SHARED, disclosure="Advertising!"))
    query = parse_qs(urlsplit(link.url).query)
    assert query["t"] == [value]
    assert query["n"] == ["So sweet! #1"]


def test_lines_without_values_are_left_out() -> None:
    bare = replace(SHARED, label="", note="")
    assert make(ours("whatsapp"), bare).text == f"Buy together: Mangoes & more, 100%, €24.90 now\n{LINK}"


def test_words_against_the_direction_of_a_line_are_isolated_and_links_never() -> None:
    arabic = replace(SHARED, label="Mei", note="مرحبا", title="مانجو", language="ar")
    lines = make(ours("whatsapp", "ar"), arabic).text.split("\n")
    assert lines[0] == "دعوة من \u2068Mei\u2069"
    assert lines[1] == "مرحبا"
    assert lines[3] == LINK
    english = make(ours("whatsapp"), arabic).text.split("\n")
    assert english[2].startswith("Buy together: \u2068مانجو\u2069, ")
    chinese = make(ours("whatsapp", "zh-Hans"), replace(SHARED, title="芒果")).text
    assert "\u2068" not in chinese


def test_a_link_on_one_line_with_words_is_never_isolated() -> None:
    text = make(own(text="انضم {title} {link}"), SHARED).text
    assert text == f"انضم \u2068Mangoes & more, 100%\u2069 {LINK}"


def test_there_is_one_fallback_and_templates_are_pieces() -> None:
    assert FALLBACK in LANGUAGES
    assert parse("", ()) == Template(())
    assert ours("fax").is_empty


def test_the_page_for_platforms_shows_every_channel_as_it_is() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "sharing.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.split("\n## ")[1].splitlines() if line.startswith("| `")]
    shown = {row[0].strip("| `"): row[1].strip("`") for row in rows}
    known = {name: channel.url or "-" for name, channel in CHANNELS.items()}
    assert shown == known | {name: channel.example for name, channel in TO_SET_UP.items()}
    assert CHANNELS["wechat"].mini_program_path in page
    names = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `{")}
    assert names == {f"{{{name}}}" for name in (*LEADING, *WORDING, "text")}
