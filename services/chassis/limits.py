"""What platforms and their keys may do, and how much of it they did, in this process.

A limit has a name. `..._per_second` is a rate, which a token bucket measures; `streams` are counted while they are
open; any other is a count that its service keeps in its database. `key_...` holds for each key of a platform by itself,
the same name without it for all of them together.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeAlias
from uuid import UUID

from services.chassis import logs, metrics
from services.chassis.buckets import Bucket, Recent
from services.chassis.errors import Rejected

log = logs.logger(__name__)

REQUESTS = "requests_per_second"
STREAMS = "streams"
RATE = "_per_second"
KEY = "key_"
_SOON_SECONDS = 1.0
"""After so long one looks again whether a stream has ended."""
_IDLE_SECONDS = 900.0
_SAID_SECONDS = 60.0

Find: TypeAlias = Callable[[list[UUID]], Awaitable[Mapping[UUID, Mapping[str, int]]]]
"""Reads what is set for platforms; those without anything may be missing."""


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of a platform or key, with what was used of it in this process."""

    limit: str
    allowed: int
    used: int
    """Of a rate in the last whole second, of streams now."""
    used_last_minute: int = 0
    refused: int = 0


class _Rate:
    __slots__ = ("bucket", "counter", "name", "recent", "refused")

    def __init__(self, name: str, rate: float, now: float) -> None:
        self.name = name
        self.bucket = Bucket(rate, now)
        self.recent = Recent()
        self.refused = 0
        self.counter = metrics.LIMITED.labels(name)


class _Use:
    """What all keys of a platform used together, or one key alone."""

    def __init__(self, prefix: str, limits: Mapping[str, float], now: float) -> None:
        self._prefix = prefix
        self.rates: dict[str, _Rate] = {}
        self.streams = self.refused_streams = 0
        self.most_streams = 0.0
        self.allow(limits, now)

    def allow(self, limits: Mapping[str, float], now: float) -> None:
        """Have these limits from now on."""
        self.most_streams = limits.get(self._prefix + STREAMS, math.inf)
        for full, rate in limits.items():
            name = full.removeprefix(self._prefix)
            if not name.endswith(RATE) or full != self._prefix + name or name.startswith(KEY):
                continue
            if name not in self.rates:
                self.rates[name] = _Rate(full, rate, now)
            elif self.rates[name].bucket.rate != rate:
                self.rates[name].bucket.change(rate, now)

    def quotas(self, now: float) -> Iterator[Quota]:
        """Tell what was used."""
        for item in self.rates.values():
            recent = item.recent
            used = recent.last_second(now), recent.last_minute(now)
            yield Quota(item.name, _whole(item.bucket.rate), *used, refused=item.refused)
        if self.most_streams < math.inf:
            yield Quota(self._prefix + STREAMS, int(self.most_streams), self.streams, refused=self.refused_streams)


class Meter:
    """Measures the calls of one key."""

    def __init__(self, platform_id: UUID, limits: Mapping[str, float], whole: _Use, own: _Use) -> None:
        self.platform_id = platform_id
        self.limits = limits
        self.seen_at = monotonic()
        self._whole = whole
        self._own = own
        self._said_at = float("-inf")
        names = whole.rates.keys() | own.rates.keys()
        self._rates = {name: [use.rates[name] for use in (whole, own) if name in use.rates] for name in names}

    def spend(self, name: str, count: int = 1) -> None:
        """Count so much of a rate as done now; Rejected RATE_LIMITED where platform or key has used it up."""
        now = self.seen_at = monotonic()
        rates = self._rates.get(name, ())
        for rate in rates:
            if wait := rate.bucket.missing(count, now):
                self._refuse(rate, wait, now)
        for rate in rates:
            rate.bucket.take(count)
            rate.recent.add(count, now)

    def _refuse(self, rate: _Rate, wait: float, now: float) -> None:
        rate.refused += 1
        rate.counter.inc()
        wait = math.ceil(wait * 100) / 100  # so that refusals of a flood are alike, and written once
        if now - self._said_at > _SAID_SECONDS:
            self._said_at = now
            log.warning("a platform meets a limit", platform=str(self.platform_id), limit=rate.name)
        said = {"limit": rate.name, "allowed": f"{rate.bucket.rate:g}", "retry_seconds": f"{wait:.3f}"}
        raise Rejected("RATE_LIMITED", said, retry_after=wait)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count a stream while it is open; Rejected TOO_MANY_STREAMS where so many are already."""
        for use in (self._whole, self._own):
            if use.streams >= use.most_streams:
                use.refused_streams += 1
                metrics.LIMITED.labels(STREAMS).inc()
                raise Rejected("TOO_MANY_STREAMS", {"limit": int(use.most_streams)}, retry_after=_SOON_SECONDS)
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self.seen_at = monotonic()
        self._whole.streams += change
        self._own.streams += change
        metrics.OPEN_STREAMS.inc(change)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to remember: no stream is open, and every bucket has long been full."""
        return not self._whole.streams and monotonic() - self.seen_at > _IDLE_SECONDS

    def allow(self, limits: Mapping[str, float]) -> None:
        """Have these limits from now on."""
        now, self.limits = monotonic(), limits
        self._whole.allow(limits, now)
        self._own.allow(limits, now)

    def quotas(self) -> list[Quota]:
        """Tell what platform and key used."""
        now = monotonic()
        return [*self._whole.quotas(now), *self._own.quotas(now)]


@dataclass
class Limiter:
    """Knows the meters of all keys that call this process.

    `defaults` are the limits of a platform for which nothing is set. Rates and streams are divided by `replicas`: so
    many processes share a platform's calls. `find` reads what is set.
    """

    defaults: Mapping[str, int]
    find: Find
    replicas: int = 1
    _meters: dict[str, Meter] = field(default_factory=dict)
    _wholes: dict[UUID, _Use] = field(default_factory=dict)
    _reading: "dict[str, asyncio.Future[Meter]]" = field(default_factory=dict)

    def known(self, key_id: str) -> Meter | None:
        """Give the meter of a key that has called before."""
        return self._meters.get(key_id)

    async def meet(self, platform_id: UUID, key_id: str) -> Meter:
        """Give the meter of a key, made where it calls for the first time: after its platform's limits were read.

        They are read once for all who come meanwhile.
        """
        reading = self._reading.get(key_id)
        if reading is None:
            reading = self._reading[key_id] = asyncio.ensure_future(self._made(platform_id, key_id))
            reading.add_done_callback(lambda _: self._reading.pop(key_id))
        return await asyncio.shield(reading)

    async def _made(self, platform_id: UUID, key_id: str) -> Meter:
        limits = self._limits((await self.find([platform_id])).get(platform_id, {}))
        if key_id not in self._meters:
            now = monotonic()
            whole = self._wholes.setdefault(platform_id, _Use("", limits, now))
            self._meters[key_id] = Meter(platform_id, limits, whole, _Use(KEY, limits, now))
        return self._meters[key_id]

    async def learn(self) -> int:
        """Read anew what is set for the platforms that call here, and forget those that no longer do."""
        self._meters = {key_id: meter for key_id, meter in self._meters.items() if not meter.is_idle}
        active = {meter.platform_id for meter in self._meters.values()}
        self._wholes = {platform_id: use for platform_id, use in self._wholes.items() if platform_id in active}
        if active:
            found = await self.find(list(active))
            for meter in self._meters.values():
                meter.allow(self._limits(found.get(meter.platform_id, {})))
        return len(active)

    def _limits(self, own: Mapping[str, int]) -> Mapping[str, float]:
        """Give a platform's limits in this process."""
        return {name: self._part(name, own.get(name, most)) for name, most in self.defaults.items()}

    def _part(self, name: str, value: int) -> float:
        if name.endswith(RATE):
            return value / self.replicas
        return math.ceil(value / self.replicas) if name.removeprefix(KEY) == STREAMS else value


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


def enter(meter: Meter | None) -> None:
    """Have the call under way measured."""
    _meter.set(meter)


def current() -> Meter | None:
    """Give the meter of the call under way; None where it is not measured."""
    return _meter.get()


def spend(name: str, count: int = 1) -> None:
    """Count so much of a rate for the call under way; Rejected RATE_LIMITED where its platform or key used it up."""
    meter = _meter.get()
    if meter:
        meter.spend(name, count)


def allowed(name: str) -> int | None:
    """Tell how many of something the platform of the call under way may have; None where nothing limits it."""
    meter = _meter.get()
    return _whole(meter.limits[name]) if meter and name in meter.limits else None


def _whole(value: float) -> int:
    return max(1, round(value))
