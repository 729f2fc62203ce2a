"""Calls of every RPC by two shops, valid, nearly valid and hostile, each made from a seed and its number alone.

What must hold for each answer: a code and a reason of ours, and nothing in it that is the other shop's. Every text and
member id of a shop has its mark, so that a leak can be seen in any answer, whatever the RPC is.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import psutil
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from services.chassis.reasons import reasons
from tests.support.engine import KEY, OTHER_KEY
from tests.support.formation import OTHER_PLATFORM, PLATFORM
from tests.support.hostile import Damager, places
from tests.support.raw_door import Answer, Door
from tests.support.rpcs import Server, is_internal, methods, requests_by_name, stand
from tests.support.shops import Shop, Standing

NORTH = Shop(PLATFORM, KEY, "-n0rthmark")
SOUTH = Shop(OTHER_PLATFORM, OTHER_KEY, "-s0uthmark")
AT_ONCE = 50
SEASON = 1000
"""Calls until the shops begin again with a campaign of their own: a cancelled one has little to say."""
MOST_BYTES = 4 * 1024 * 1024
"""Of a request: what gRPC takes where nothing else is said."""
CODES = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "ABORTED"}
KINDS = {"valid": 20, "nearly valid": 25, "hostile": 30, "another's ids": 20, "broken bytes": 5}
"""What is sent, and how much of it in a hundred."""
OF_ALL = {"ListPlatforms", "ListParkedKeys", "ListParkedMessages"}
"""What tells operators of all platforms."""
MOST_PROBLEMS = 5
_SHRINKS = 100


class Call(NamedTuple):
    """One call; the request is None where the bytes are none."""

    number: int
    kind: str
    shop: Shop
    method: MethodDescriptor
    body: bytes
    request: Message | None


@dataclass
class Run:
    """What a run has counted and found."""

    seed: int
    kinds: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    rpcs: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    """RPCs that answered OK at least once."""
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    resident: list[int] = field(default_factory=list)
    """Bytes of memory after each season."""

    @property
    def growth(self) -> int:
        """By how many bytes the process grew after it had warmed up: after its first tenth."""
        warm = self.resident[len(self.resident) // 10]
        return max(0, max(self.resident) - warm)


class Fuzzer:
    """Makes the calls of a run and looks at the answers."""

    def __init__(self, server: Server, door: Door, seed: int) -> None:
        self._server = server
        self._door = door
        self._rpcs = methods()
        self._good: dict[Shop, dict[str, Message]] = {}
        self._there: dict[Shop, Standing] = {}
        self.run = Run(seed)

    async def play(self, calls: int, only: int | None = None) -> Run:
        """Make so many calls, or one of them alone; ends early where too much is wrong."""
        began = time.monotonic()
        for first in range(0, calls, SEASON):
            await self._begin(first)
            numbers = iter(range(first, min(first + SEASON, calls)) if only is None else [only])
            await asyncio.gather(*(self._work(numbers) for _ in range(AT_ONCE)))
            await self._server.engine.carry()
            self.run.resident.append(psutil.Process().memory_info().rss)
            if only is not None or len(self.run.problems) >= MOST_PROBLEMS:
                break
        self.run.seconds = time.monotonic() - began
        return self.run

    async def _begin(self, number: int) -> None:
        for shop in (NORTH, SOUTH):
            there = await stand(self._server, replace(shop, season=f"-{number}"), f"season-{number}")
            self._there[shop], self._good[shop] = there, requests_by_name(there)

    async def _work(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            if len(self.run.problems) < MOST_PROBLEMS:
                await self._make(self.call(number))

    def call(self, number: int) -> Call:
        """Make the call of a number, always the same for a seed but for the ids of what stands there."""
        dice = random.Random(f"{self.run.seed}:{number}")  # noqa: S311 - no secret
        shop, other = dice.choice(((NORTH, SOUTH), (SOUTH, NORTH)))
        method = dice.choice(self._rpcs)
        [kind] = dice.choices(list(KINDS), list(KINDS.values()))
        own, others = self._there[shop], self._there[other]
        good = self._good[shop][method.input_type.full_name]
        theirs = [one for one in others.ids if not (is_internal(method) and one == others.platform)]
        damager = Damager(dice.random(), [*own.ids, own.shop.own("mei"), own.shop.own("tom"), "mango", *theirs])
        if kind == "broken bytes":
            return Call(number, kind, shop, method, damager.cut(good), None)
        request: Any
        if kind == "hostile":
            request = damager.damaged(good)
        elif kind == "nearly valid":
            request = damager.nudged(good)
        else:
            request = type(good)()
            request.CopyFrom(good)
        if kind == "another's ids":
            _exchange(request, dict(zip(own.ids, others.ids, strict=True)))
        if method.name == "SuspendPlatform":
            request.platform_id = "plat_"  # or no other call of the shop would come further than its key
        if "request_id" in method.input_type.fields_by_name:
            request.request_id = f"fuzz-{number if dice.random() < 0.85 else number % 50}"
        return Call(number, kind, shop, method, request.SerializeToString(), request)

    async def _make(self, call: Call) -> None:
        answer = await self._door(call.method, call.body, call.shop)
        self.run.kinds[call.kind] += 1
        self.run.codes[answer.code] += 1
        self.run.rpcs.add(call.method.full_name)
        if answer.code == "OK":
            self.run.accepted.add(call.method.full_name)
        if wrong := wrong_with(call, answer):
            self.run.problems.append(await self.told(call, wrong))

    async def told(self, call: Call, wrong: str) -> str:
        """Write a call down so that it can be made again, its request cut down to what it takes."""
        request = call.request
        if request is not None:
            request = await self._shrunk(call, request)
        shown = str(request) if request is not None else call.body.hex()
        return (
            f"{call.method.full_name} by {call.shop.mark}: {wrong}\n"
            f"replay: make fuzz SEED={self.run.seed} ONLY={call.number} ({call.kind})\n{shown:.2000}"
        )

    async def _shrunk(self, call: Call, request: Message) -> Message:
        """Leave out of a request whatever can be left out with something still being wrong."""
        tries = 0
        smaller = True
        while smaller and tries < _SHRINKS:
            smaller = False
            for nth, (_, one) in enumerate(list(places(request))):
                less = type(request)()
                less.CopyFrom(request)
                owner, _ = list(places(less))[nth]
                owner.ClearField(one.name)
                tries += 1
                body = less.SerializeToString()
                changed = body != request.SerializeToString()
                if changed and wrong_with(call, await self._door(call.method, body, call.shop)):
                    request, smaller = less, True
                    break
        return request


def wrong_with(call: Call, answer: Answer) -> str:
    """Say what is wrong with an answer; nothing where all is well."""
    if len(call.body) > MOST_BYTES and answer.code == "RESOURCE_EXHAUSTED":
        return ""  # gRPC itself refuses it, before any of ours sees it
    if answer.code not in CODES or (answer.code != "OK" and answer.reason not in reasons()):
        return f"answers {answer.code} {answer.reason} {answer.raw[:300]!r}"
    theirs = (SOUTH if call.shop is NORTH else NORTH).mark.encode()
    if call.method.name not in OF_ALL and theirs in answer.raw:
        return f"has the other platform's mark in its answer: {answer.raw[:2000]!r}"
    return ""


def _exchange(message: Message, names: dict[str, str]) -> None:
    """Put other ids in the place of one's own, wherever they stand but where a service says whose call it is."""
    for owner, one in list(places(message)):
        if one.type != one.TYPE_STRING or one.name == "platform_id":
            continue
        value: Any = getattr(owner, one.name)
        if one.is_repeated:
            value[:] = [names.get(item, item) for item in value]
        elif value in names:
            setattr(owner, one.name, names[value])
