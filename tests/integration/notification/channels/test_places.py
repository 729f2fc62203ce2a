"""The link of a member's own page in every channel: as a button, or as a line of the text, and said whole."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote
from uuid import UUID

import pytest

from services.notification.channels import Account, Sent, Setup
from services.notification.domain import Contact, Kind, with_link
from services.notification.letters import letter_of
from services.notification.rendering import languages
from services.notification.store import Claimed
from services.notification.testing import ACCEPT, Case, HttpSink, Stage
from tests.integration.notification.channels import (
    test_apprise,
    test_console,
    test_dingtalk,
    test_discord,
    test_email,
    test_feishu,
    test_line,
    test_slack,
    test_telegram,
    test_webhook,
    test_wechat,
    test_wecom,
    test_whatsapp,
)

CASES: list[Case] = [
    test_apprise.TestApprise.case,
    test_console.TestConsole.case,
    test_dingtalk.TestDingTalk.case,
    test_discord.TestDiscord.case,
    test_email.TestEmail.case,
    test_feishu.TestFeishu.case,
    test_line.TestLine.case,
    test_slack.TestSlack.case,
    test_telegram.TestTelegram.case,
    test_webhook.TestWebhook.case,
    test_wechat.TestWeChat.case,
    test_wecom.TestWeCom.case,
    test_whatsapp.TestWhatsApp.case,
]
"""By their modules: a class that is imported would be collected here too."""
PLACE = "https://my-shop.example/g_b/m/" + "Ab3" * 20 + "xy"
CHECKOUT = "https://my-shop.example/buy"


def a_claim(link: str, language: str = "en", channel: str = "console") -> Claimed:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    one, label = UUID(int=1), "Pay now" if link else ""
    body = with_link("You pay €24.90.\n", label, link)
    return Claimed(
        one, one, one, one, one, "mei", Kind.FORMED, one, 1, language, "Formed", body, now, channel, 0, one, link, label
    )


async def brought(case: Case, link: str, language: str = "en") -> tuple[str, str, str]:
    """Send a message; what a person reads, where its buttons lead, and all that was said to the service."""
    async with case.play(ACCEPT) as stage:
        claim = a_claim(link, language, case.name)
        letter = letter_of(claim, Contact(UUID(int=2), case.name, stage.address), stage.channel.setup, place=PLACE)
        assert isinstance(await stage.channel.send(letter, Account(UUID(int=1), stage.account, 1)), Sent)
        taken = stage.sink.taken[-1]
        return taken.text, f"{taken.link} {taken.place}", _asked(stage)


def _asked(stage: Stage) -> str:
    asked = stage.sink.asked if isinstance(stage.sink, HttpSink) else []
    return unquote(" ".join(request.body.decode() for request in asked))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_page_is_a_button_or_a_line_of_every_message(case: Case) -> None:
    text, buttons, _ = await brought(case, "")
    if case.has_button:
        assert buttons.strip() == PLACE
        assert PLACE not in text
    else:
        assert f"Your place: {PLACE}" in text.replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_beside_what_there_is_to_do_both_are_there(case: Case) -> None:
    text, buttons, asked = await brought(case, CHECKOUT)
    if case.has_second_button:
        assert buttons == f"{CHECKOUT} {PLACE}"
        assert CHECKOUT not in text
        assert PLACE not in text
    else:
        assert CHECKOUT in (buttons.strip() if case.has_button else text)
    if not case.has_second_button and case.name != "wechat":  # which has twenty characters, and opens one link
        assert f"Your place: {PLACE}" in text.replace("\r\n", "\n")
    assert asked.count(PLACE) <= 1 + (case.name == "webhook")


@pytest.mark.parametrize(
    "case", [test_wecom.TestWeCom.case, test_whatsapp.TestWhatsApp.case], ids=lambda case: case.name
)
async def test_a_text_that_is_cut_keeps_its_links_whole(case: Case) -> None:
    long = replace(a_claim(CHECKOUT), body=with_link("芒果。\n" * 1000 + "Then this.\n", "Pay now", CHECKOUT))
    async with case.play(ACCEPT) as stage:
        letter = letter_of(long, Contact(UUID(int=2), case.name, stage.address), stage.channel.setup, place=PLACE)
        assert isinstance(await stage.channel.send(letter, Account(UUID(int=1), stage.account, 1)), Sent)
        *before, cut = stage.sink.taken[-1].text.split(f"Your place: {PLACE}")[0].strip().split("…")
    assert before
    assert cut.strip() in {"", f"Pay now: {CHECKOUT}"}


async def test_a_mini_program_is_told_both() -> None:
    async with test_wechat.TestWeChat.case.play(ACCEPT) as stage:
        settings = {**stage.account, "kind": "mini", "page": "pages/team"}
        letter = letter_of(a_claim(CHECKOUT), Contact(UUID(int=2), "wechat", stage.address), Setup(), place=PLACE)
        await stage.channel.send(letter, Account(UUID(int=1), settings, 1))
        assert f"pages/team?link={CHECKOUT}&place={PLACE}" in _asked(stage)


@pytest.mark.parametrize("language", languages())
async def test_the_line_speaks_the_messages_language(language: str) -> None:
    text, _, _ = await brought(test_console.TestConsole.case, "", language)
    [line] = [line for line in text.splitlines() if PLACE in line]
    labels = {"en": "Your place", "es": "Tu plaza", "ar": "مقعدك", "zh-Hans": "你的席位"}
    assert line == f"{labels[language]}: {PLACE}"


async def test_an_endpoint_is_told_the_link_by_itself() -> None:
    _, _, asked = await brought(test_webhook.TestWebhook.case, CHECKOUT)
    assert f'"place_link": "{PLACE}"' in asked.replace('":"', '": "')
