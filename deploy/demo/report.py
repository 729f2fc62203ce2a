"""The end of the demo: what holds, what was measured, what to try next; in lines and as data."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.demo.play.record import SceneRecord
from deploy.demo.proof.figures import QUIET, Delays
from deploy.demo.proof.verify import Verdict
from deploy.demo.scene import OURS
from deploy.demo.show.text import WIDTH, wrap
from deploy.local.program import called, near

_ENOUGH = 100  # values, for a 99th percentile to be more than the slowest of a few
_COLUMN = 39


@dataclass
class Report:
    """Everything that the demo can say at its end."""

    version: str
    kafka: str
    seconds: float = 0.0
    ready_seconds: float = 0.0
    start_steps: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    """Resident bytes of each part."""
    scenes: list[SceneRecord] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    crowds: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Figures of each crowd, by scene."""
    price_messages: dict[str, Delays] = field(default_factory=dict)
    """From a join to the message that the price fell: of each scene with a crowd, and of the others together."""
    calls: int = 0
    calls_sent_again: int = 0
    posted: int = 0
    """Events that the shop's own endpoint took."""
    bodies: dict[str, Any] = field(default_factory=dict)
    """One body of each type of event, where data was asked for."""
    messages: dict[str, int] = field(default_factory=dict)
    """Messages received, by channel."""

    @property
    def broken(self) -> list[str]:
        """What was not as a scene expects."""
        return [words for scene in self.scenes for words in scene.broken]

    @property
    def good(self) -> bool:
        """Whether everything holds and is as expected."""
        return not self.broken and not self.verdict.violations

    def as_data(self) -> dict[str, Any]:
        """The same as data."""
        return {
            "version": self.version,
            "kafka": self.kafka,
            "good": self.good,
            "seconds": round(self.seconds, 3),
            "ready_seconds": round(self.ready_seconds, 3),
            "start_seconds": {name: round(value, 3) for name, value in self.start_steps.items()},
            "resident_bytes": self.memory,
            "invariants": {
                check.name: {
                    "sentence": check.sentence,
                    "checked": check.checked,
                    "violations": check.violations,
                    "examples": check.examples,
                }
                for check in self.verdict.checks
            },
            "figures": {
                "calls": self.calls,
                "calls_sent_again": self.calls_sent_again,
                "messages": self.messages,
                "crowds": self.crowds,
                "join_to_price_message": {name: asdict(value) for name, value in self.price_messages.items()},
                "one_charge": self.verdict.charge,
            },
            "webhooks": {"posted": self.posted, "bodies": self.bodies},
            "broken": self.broken,
            "scenes": [{**asdict(scene), "broken": scene.broken} for scene in self.scenes],
        }

    def lines(self) -> Iterator[str]:
        """The summary for people, in 80 columns."""
        yield from self._invariants()
        yield from self._charge()
        yield from self._figures()
        yield from self._end()

    def _invariants(self) -> Iterator[str]:
        yield f"{'violations':>10}  {'looked at':>9}"
        for check in self.verdict.checks:
            first, *more = wrap(check.sentence, WIDTH - 23)
            yield f"{check.violations:10,}  {check.checked:9,}  {first}"
            yield from (f"{'':23}{line}" for line in more)
            yield from (f"{'':23}! {line}" for example in check.examples for line in wrap(example, WIDTH - 25))

    def _charge(self) -> Iterator[str]:
        if self.verdict.charge:
            yield ""
            yield "One cent followed from the stored events to the charge:"
            for sentence in self.verdict.charge:
                yield from _bullet(sentence)

    def _figures(self) -> Iterator[str]:
        yield ""
        yield "Measured in this run:"
        for crowd in self.crowds.values():
            yield from _bullet(_crowd(crowd))
        for name, value in self.price_messages.items():
            words = _spread(value)
            away = ", with the outage and the retries" if self.crowds.get(name, {}).get("away_seconds") else ""
            where = "scenes without a crowd" if name == QUIET else f"scene {name}{away}"
            yield from _bullet(f'from a join to the message "the price fell": {words} ({where})')
        messages = ", ".join(f"{count:,} by {channel}" for channel, count in self.messages.items() if count)
        yield from _bullet(f"{self.calls:,} requests that change something; messages received: {messages or 'none'}")
        yield from _bullet(f"{self.posted:,} events posted to the shop's own endpoint, well signed")
        memory = ", ".join(f"{name} {size / 2**20:.0f} MB" for name, size in self.memory.items())
        yield from _bullet(f"resident memory: {memory}")
        yield from _bullet(f"ready after {self.ready_seconds:.1f} s; everything took {self.seconds:.0f} s")

    def _end(self) -> Iterator[str]:
        yield ""
        for words in self.broken:
            yield from wrap(f"Not as expected: {words}", WIDTH)
        if self.good:
            yield "Everything holds."
        else:
            yield f"NOT everything holds: {self.verdict.violations:,} violations, {len(self.broken)} not as expected."


def _spread(value: Delays) -> str:
    """Say how long things took; a percentile only where there are enough for one."""
    if value.count == 1:
        return f"{value.median_ms:,.0f} ms for the one message"
    tail = f"{value.p99_ms:,.0f} ms p99 of" if value.count >= _ENOUGH else f"{value.longest_ms:,.0f} ms at most, of"
    return f"{value.median_ms:,.0f} ms median, {tail} {value.count:,} messages"


def _crowd(crowd: dict[str, Any]) -> str:
    refused = ", ".join(f"{count} {reason}" for reason, count in crowd["refused"].items())
    words = f"{crowd['members']} members at once: {crowd['seated']} seated, {refused or 'nobody refused'}"
    words += f"; {crowd['joins_per_second']:,.0f} joins answered per second"
    if crowd["away_seconds"]:
        words += f", the {crowd['away_seconds']:.1f} s without the killed service included"
    return words


def _bullet(text: str) -> Iterator[str]:
    first, *more = wrap(text, WIDTH - 4)
    yield f"  - {first}"
    yield from (f"    {line}" for line in more)


def try_next() -> Sequence[str]:
    """Commands to go on with, when the stack is gone."""
    return [
        "Try next:",
        *_offer(f"{called()} demo --keep --fast", "the stack stays up: call it yourself"),
        *_offer(f"cp -r {shlex.quote(near(OURS))} my-scenes", "edit one (docs/scenes.md), then"),
        *_offer(f"{called()} demo --scenes my-scenes --only 1", "play it"),
        *_offer(f"{called()} up", "a stack of your own (docs/first-calls.md)"),
    ]


def how_to_talk(address: str, key: str, code: str, data: Path) -> Sequence[str]:
    """What to do with the stack that stays: a call that anybody can make, and where things are."""
    body = f'{{"request_id": "try-1", "invite_code": "{code}", "member_id": "you"}}'
    return [
        "The stack stays up, and a new team of the first scene waits for you:",
        "",
        f"  grpcurl -plaintext -H 'authorization: Bearer {key}' \\",
        f"    -d '{body}' \\",
        f"    {address} groupbuy.team_formation.v1.TeamFormation/JoinTeam",
        "",
        f"  grpcurl -plaintext {address} describe groupbuy.team_formation.v1.TeamFormation",
        f"  {called()} status --data {shlex.quote(str(data))}",
        f"  {called()} logs -f --data {shlex.quote(str(data))}",
        "",
        "Ctrl-C stops it; the data stay. Messages that arrive are shown here.",
    ]


def _offer(command: str, what: str) -> Iterator[str]:
    """A command, and beside it what it does, or below it where there is no room."""
    if len(command) < _COLUMN - 3:
        yield f"  {command:<{_COLUMN - 2}}{what}"
    else:
        yield f"  {command}"
        yield f"{'':{_COLUMN}}{what}"
