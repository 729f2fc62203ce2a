"""What every channel must do, as tests: subclass `Conformance` and give it a `case`.

A test that asks what a channel has not, a server or a key, passes: a skip would say that something is left to do.
"""

import asyncio
import logging
from dataclasses import replace
from typing import ClassVar
from uuid import UUID, uuid4

import pytest

from services.notification.channels import Account, Letter, Outcome, Retry, Sent
from services.notification.testing.case import ACCEPT, MISCONFIGURED, SLOW, Case, Expect, Stage, a_letter

_DELIVERY = UUID(int=7)
_PATIENCE_SECONDS = 30.0  # ends a broken test, measures nothing
_MANY = 30
_SINKS_OWN = ("mail.", "aiohttp.")
"""Loggers of servers that run as sinks in the same process; no channel of ours logs by them."""

_TEXTS = {
    "chinese": ("芒果现价€34.90", "您现在只需支付€34.90。\n不会更多。"),
    "arabic": ("انخفض السعر", "تدفع الآن \u200e34.90 €\u200f ولن تدفع أكثر."),
    "emoji": ("🥭 -10 %", "👩🏽\u200d🌾 says: 👍\nsee you"),
    "markup": ("A < B & *C*", "<b>not bold</b> &amp; _not_ `code` [x](y) ~z~ <@U1> @all #1 {{x}} %s \\n | $1"),
    "long": ("Long", "Ünïcode line, " * 60 + "end"),
}


@pytest.mark.asyncio
class Conformance:
    """The suite. The name of a subclass begins with Test, so that pytest finds it."""

    case: ClassVar[Case]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Try every mode, address and setting of the case."""
        case = metafunc.cls.case if metafunc.cls else None
        values = _values(case) if case else {}
        for name in sorted(values.keys() & set(metafunc.fixturenames)):
            metafunc.parametrize(name, values[name])

    async def test_it_has_its_name_and_says_what_it_needs(self) -> None:
        """Name, fields with a meaning, and limits that can be kept."""
        async with self.case.play(ACCEPT) as stage:
            assert stage.channel.name == self.case.name
            setup = stage.channel.setup
            assert all(item.name and item.meaning for item in setup.fields)
            assert {item.name for item in setup.fields} >= set(stage.account)
            assert setup.per_second is None or setup.per_second > 0

    async def test_the_table_says_what_comes_of_every_class_of_trouble(self) -> None:
        """No class of error is left to chance."""
        async with self.case.play(ACCEPT) as stage:
            has_secret = any(item.secret for item in stage.channel.setup.fields)
        needed = self.case.needed | ({MISCONFIGURED} if has_secret else set())
        assert needed <= set(self.case.modes)

    async def test_what_the_service_does_becomes_the_outcome(
        self, mode: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """One call, the outcome of the table, and neither an address nor a secret in what is said of it."""
        caplog.set_level(logging.DEBUG)
        async with self.case.play(mode) as stage:
            outcome = await _send(stage, a_letter(stage.address))
            assert not self.case.modes[mode].problem(outcome)
            assert stage.sink.sends <= 1, "a channel never tries twice by itself"
            if mode == ACCEPT:
                assert len(stage.sink.taken) == 1
            logged = [record.getMessage() for record in caplog.records if not record.name.startswith(_SINKS_OWN)]
            _assert_nothing_told(stage, [_detail(outcome), *logged, *capfd.readouterr()])

    async def test_a_service_that_is_away_is_tried_later(self) -> None:
        """Nobody listens."""
        if not self.case.is_remote:
            return
        async with self.case.play(ACCEPT) as stage:
            await stage.sink.stop()
            outcome = await _send(stage, a_letter(stage.address))
            assert not Expect(Retry).problem(outcome)
            _assert_nothing_told(stage, [_detail(outcome)])

    async def test_a_slow_service_can_be_given_up(self) -> None:
        """Who cancels gets the task back, cancelled."""
        if not self.case.is_remote:
            return
        async with self.case.play(SLOW) as stage, asyncio.timeout(_PATIENCE_SECONDS):
            sending = asyncio.create_task(_send(stage, a_letter(stage.address)))
            await stage.sink.heard.wait()
            sending.cancel()
            await asyncio.wait([sending])
            assert sending.cancelled()

    async def test_text_of_any_language_arrives_whole(self, text: tuple[str, str]) -> None:
        """What looks like markup is text, too."""
        async with self.case.play(ACCEPT) as stage:
            letter = a_letter(stage.address, subject=text[0], body=text[1])
            assert isinstance(await _send(stage, letter), Sent)
            (taken,) = stage.sink.taken
            assert taken.to == letter.address
            for piece in self.case.shows(letter):
                assert piece.strip() in taken.text.replace("\r\n", "\n")

    async def test_a_link_is_no_trouble_and_a_button_where_there_are_buttons(self) -> None:
        """With and without a label."""
        async with self.case.play(ACCEPT) as stage:
            for label in ("看看", ""):
                letter = a_letter(stage.address, uuid4(), link="https://shop.example.com/t/x?a=1&b=2", link_label=label)
                assert isinstance(await _send(stage, letter), Sent)
                if self.case.has_button:
                    assert stage.sink.taken[-1].link == letter.link

    async def test_a_second_button_leads_to_the_members_page(self) -> None:
        """Where the channel says that it shows two: each leads where it should, and one alone is no trouble."""
        async with self.case.play(ACCEPT) as stage:
            assert stage.channel.setup.has_second_button == self.case.has_second_button
            link, place = "https://shop.example.com/t/x?a=1", "https://shop.example.com/m/Ab3dEf6hIj9k"
            for first in (link, place):
                letter = a_letter(
                    stage.address, uuid4(), link=first, link_label="看看", place=place, place_label="مكانك"
                )
                assert isinstance(await _send(stage, letter), Sent)
                taken = stage.sink.taken[-1]
                if self.case.has_second_button:
                    assert (taken.link, taken.place) == (first, place if first == link else "")

    async def test_a_letter_takes_the_place_of_one_that_was_sent(self) -> None:
        """Where the channel says that it edits: the service is told which, and the id stays."""
        async with self.case.play(ACCEPT) as stage:
            assert stage.channel.setup.edits == self.case.edits
            if not self.case.edits:
                return
            first = await _send(stage, a_letter(stage.address, uuid4(), subject="Three are in"))
            assert isinstance(first, Sent)
            assert first.provider_id
            changed = replace(a_letter(stage.address, uuid4(), subject="Four are in"), edits=first.provider_id)
            assert await _send(stage, changed) == first
            before, after = stage.sink.taken
            assert (before.edits, after.edits) == ("", first.provider_id)
            assert "Four are in" in after.text

    async def test_the_same_delivery_carries_the_same_key(self) -> None:
        """However often it is tried; another delivery has another."""
        if not self.case.has_key:
            return
        async with self.case.play(ACCEPT) as stage:
            for delivery_id in (_DELIVERY, _DELIVERY, uuid4()):
                await _send(stage, a_letter(stage.address, delivery_id))
            keys = [taken.key for taken in stage.sink.taken]
            # A service that drops the second one has taken two.
            assert keys[0]
            assert keys in ([keys[0], keys[0], keys[-1]], [keys[0], keys[-1]])
            assert keys[0] != keys[-1]

    async def test_many_at_once_are_sent_each_once(self) -> None:
        """Nothing is shared that should not be."""
        async with self.case.play(ACCEPT) as stage:
            letters = [a_letter(stage.address, uuid4(), subject=f"No. {n:03}") for n in range(_MANY)]
            outcomes = await asyncio.gather(*[_send(stage, letter) for letter in letters])
            assert [outcome for outcome in outcomes if not isinstance(outcome, Sent)] == []
            assert len(stage.sink.taken) == _MANY
            texts = [taken.text for taken in stage.sink.taken]
            shown = [letter.subject for letter in letters if letter.subject in self.case.shows(letter)]
            assert [subject for subject in shown if sum(subject in text for text in texts) != 1] == []

    async def test_good_addresses_are_accepted(self) -> None:
        """The sink's own too."""
        async with self.case.play(ACCEPT) as stage:
            for address in (stage.address, *self.case.good):
                assert stage.channel.check(address) is None, address

    async def test_a_bad_address_is_refused_with_a_remedy(self, bad_address: str) -> None:
        """It says how an address must be."""
        async with self.case.play(ACCEPT) as stage:
            assert "must" in (stage.channel.check(bad_address) or "")

    async def test_a_good_account_is_accepted(self) -> None:
        """The one that the sink is played with."""
        async with self.case.play(ACCEPT) as stage:
            assert dict(stage.channel.check_account(stage.account)) == {}

    async def test_a_bad_account_is_refused_by_field_with_a_remedy(
        self, bad_account: tuple[str, dict[str, str]] | None
    ) -> None:
        """It names the field, says how it must be, and repeats no secret."""
        if bad_account is None:
            return
        name, settings = bad_account
        async with self.case.play(ACCEPT) as stage:
            problems = stage.channel.check_account({**stage.account, **settings})
            assert set(problems) == {name}
            assert "must" in problems[name]
            assert not settings[name] or settings[name] not in problems[name]


def _values(case: Case) -> dict[str, list[object]]:
    """What the parameters of the tests go through."""
    return {
        "mode": [*case.modes],
        "text": [pytest.param(text, id=name) for name, text in _TEXTS.items()],
        "bad_address": [pytest.param(text, id=f"{n}") for n, text in enumerate(case.bad)],
        "bad_account": [pytest.param(item, id=f"{item[0]}-{n}") for n, item in enumerate(case.bad_accounts)]
        or [pytest.param(None, id="none")],
    }


async def _send(stage: Stage, letter: Letter) -> Outcome:
    return await stage.channel.send(letter, Account(UUID(int=1), stage.account, 1))


def _detail(outcome: Outcome) -> str:
    return outcome.provider_id if isinstance(outcome, Sent) else outcome.detail


def _assert_nothing_told(stage: Stage, said: list[str]) -> None:
    """No address, and no value of a secret field, is in any of these texts."""
    secrets = [stage.account.get(item.name, "") for item in stage.channel.setup.fields if item.secret]
    told = [text for text in said for hidden in (stage.address, *secrets) if hidden and hidden in text]
    assert told == []
