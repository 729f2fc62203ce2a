"""Rehearses what is sent on a test platform: the code of a channel does all its work, in front of an outlet.

A channel is made anew for each letter, so that nothing is shared with those that connect. One that another package
brings is not called at all, as nobody here knows how it connects; nor is Apprise, whose library connects by itself.
Their letters are kept as they are.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.http import NotAllowed
from services.notification.answering import ChatAnswer, Way
from services.notification.answering.registry import open_ways
from services.notification.channels import Account, Channel, Channels, Letter, Outcome, Refused, Retry, Sent, Setup
from services.notification.channels.console import ConsoleChannel
from services.notification.channels.email import EmailChannel
from services.notification.channels.registry import BY_HTTP
from services.notification.domain import Play, Posted, play_of
from services.notification.sandbox.mail import Mailbox
from services.notification.sandbox.outlet import Exchange, Outlet, without_secrets
from services.notification.sandbox.services import SERVICES, WAIT_SECONDS, answers, endpoint

PREFIX = "captured"
"""What ids of captured messages begin with; the id of a message, as its service would give it, is one of them."""
_LARGEST = 10**15
_NUMBERS = {"agent_id": "0"}
_TOKEN_LENGTH = 20
"""What is as long may let its holder speak for the app."""
_SERVER = "localhost:25"  # of no server: the mailbox stands for it
_UNSEEN: Mapping[Play, Outcome] = {
    Play.TAKEN: Sent(),
    Play.GONE: Refused("the service says that nobody is there any more", is_gone=True),
    Play.THROTTLED: Retry("the service asks to come later", timedelta(seconds=WAIT_SECONDS)),
    Play.REFUSED: Refused("the service does not take this there"),
    Play.UNAVAILABLE: Retry("the service is not available"),
}
"""What comes of a letter whose channel is not called."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of a message that was kept instead of sent; without an exchange its channel was not called."""

    captured_id: UUID
    outcome: Outcome
    exchange: Exchange | None = field(default=None, repr=False)


class Rehearsals:
    """Does everything but connect."""

    def __init__(self, channels: Channels, clock: Clock, mail_from: str, *, allow_private: bool) -> None:
        self._channels = channels
        self._clock = clock
        self._mail_from = mail_from
        self._allow_private = allow_private

    async def send(self, channel: Channel, letter: Letter, account: Account | None, tries: int) -> Rehearsed:
        """Rehearse the attempt after `tries` others that were made at the same contact point."""
        captured_id = ids.new_id()
        play = play_of(channel.name, (letter.address, letter.member_id), tries)
        stage = self._stage(channel.name, play, captured_id)
        if stage is None:
            return Rehearsed(captured_id, _named(_UNSEEN[play], captured_id, letter))
        used = account or _example(channel.setup)
        outcome = await stage.channel.send(_editing(letter, channel.name), used)
        return Rehearsed(
            captured_id, _named(outcome, captured_id, letter), stage.taken(_secrets(channel.setup, account))
        )

    async def answer(self, way: Way, answer: ChatAnswer, account: Account | None) -> Rehearsed:
        """Rehearse an answer in a chat; what is forced stands in the values that say where it goes."""
        captured_id, setup = ids.new_id(), self._channels[way.channel].setup
        play = play_of(way.channel, tuple(answer.values.values()), 0)
        outlet = self._outlet(way.channel, play, captured_id)
        outcome = await open_ways(outlet, self._clock)[way.name].answer(answer, account or _example(setup))
        exchange = outlet.taken[-1] if outlet.taken else None
        tokens = {name: value for name, value in answer.values.items() if len(value) >= _TOKEN_LENGTH}
        return Rehearsed(captured_id, outcome, exchange and _blotted(exchange, _secrets(setup, account) | tokens))

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], tries: int) -> tuple[Posted, Rehearsed]:
        """Rehearse a post to an endpoint of a platform; NotAllowed as for a real one."""
        captured_id = ids.new_id()
        outlet = Outlet(answers(endpoint, play_of("webhook", (url,), tries), 0), allow_private=self._allow_private)
        try:
            reply = await outlet.post(url, data=body, headers=headers)
        except NotAllowed as problem:
            return Posted(0, problem=str(problem)), Rehearsed(captured_id, Refused(str(problem)))
        posted = Posted(reply.status, retry_after=reply.retry_after())
        outcome = Sent() if posted.taken else Retry(posted.said)
        return posted, Rehearsed(captured_id, outcome, outlet.taken[-1])

    def _stage(self, name: str, play: Play, captured_id: UUID) -> "_Stage | None":
        if name == "email":
            box = Mailbox(play)
            return _Stage(EmailChannel(_SERVER, self._mail_from, seconds=1, tls="none", hand_over=box.hand_over), box)
        if name == "console" and play is Play.TAKEN:
            lines = _Lines()
            return _Stage(ConsoleChannel(lines.stream), lines)
        if name in BY_HTTP:
            outlet = self._outlet(name, play, captured_id)
            return _Stage(BY_HTTP[name](outlet), outlet)
        return None

    def _outlet(self, name: str, play: Play, captured_id: UUID) -> Outlet:
        return Outlet(answers(SERVICES[name], play, _number(captured_id)), allow_private=self._allow_private)


class _Lines:
    """The output of the console channel."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def taken(self) -> list[Exchange]:
        """The lines."""
        return [Exchange("PRINT", "", {}, self.stream.getvalue().encode())]


@dataclass(frozen=True, slots=True)
class _Stage:
    """A channel of its own, and what it sends to."""

    channel: Channel
    sink: Outlet | Mailbox | _Lines

    def taken(self, secrets: Mapping[str, str]) -> Exchange | None:
        """Give what was sent last, if anything was, without secrets."""
        return _blotted(self.sink.taken[-1], secrets) if self.sink.taken else None


def _named(outcome: Outcome, captured_id: UUID, letter: Letter) -> Outcome:
    """Give a message that was taken the id that it is found by; one that takes another's place keeps that one's."""
    return Sent(letter.edits or ids.opaque(PREFIX, captured_id)) if isinstance(outcome, Sent) else outcome


def _editing(letter: Letter, channel: str) -> Letter:
    """Name the message whose place a letter takes as its service would have."""
    found = ids.parse(PREFIX, letter.edits, 1)
    if found is None:
        return letter
    number = _number(found[0])
    forms = {"slack": f"{number // 10**6}.{number % 10**6:06}", "feishu": f"om_{number}"}
    return replace(letter, edits=forms.get(channel, str(number)))


def _number(captured_id: UUID) -> int:
    """Make what a service knows a message by of its id here."""
    return captured_id.int % _LARGEST


def _example(setup: Setup) -> Account:
    """Make an account for who has set up none: the name of each setting in its place, where it may be a word."""
    fields = [item.name for item in setup.fields if item.required]
    return Account(UUID(int=0), {name: _NUMBERS.get(name, f"[{name}]") for name in fields})


def _secrets(setup: Setup, account: Account | None) -> dict[str, str]:
    settings = account.settings if account else {}
    return {item.name: settings[item.name] for item in setup.fields if item.secret and settings.get(item.name)}


def _blotted(exchange: Exchange, secrets: Mapping[str, str]) -> Exchange:
    """Write the names of secrets in their places."""
    return replace(
        exchange,
        url=without_secrets(exchange.url, secrets),
        headers={name: without_secrets(value, secrets) for name, value in exchange.headers.items()},
        body=without_secrets(exchange.body.decode(errors="replace"), secrets).encode(),
    )
