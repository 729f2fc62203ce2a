"""Limits of platforms and keys: who is refused what, that a refusal costs nothing, and what is told of it."""

from collections.abc import Mapping
from contextlib import ExitStack
from uuid import UUID

import pytest

from services.chassis import limits, status
from services.chassis.errors import Rejected
from services.chassis.limits import Limiter, Meter, Quota
from services.chassis.status import rejected_of, status_of

SHOP, OTHER = UUID(int=1), UUID(int=2)
DEFAULTS = {
    "requests_per_second": 5,
    "key_requests_per_second": 3,
    "joins_per_second": 100,
    "streams": 3,
    "key_streams": 2,
    "campaigns": 7,
}


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.chassis.limits.monotonic", lambda: 1000.0)


class Settings:
    """What an operator has set; counts how often it was read."""

    def __init__(self) -> None:
        self.set: dict[UUID, dict[str, int]] = {}
        self.reads = 0

    async def find(self, platform_ids: list[UUID]) -> Mapping[UUID, Mapping[str, int]]:
        self.reads += 1
        return {one: self.set[one] for one in platform_ids if one in self.set}


def spent(meter: Meter, name: str = limits.REQUESTS, count: int = 1) -> int:
    """Spend until it is refused; tells how often that was possible."""
    for times in range(1000):
        try:
            meter.spend(name, count)
        except Rejected:
            return times
    raise AssertionError("no limit is met")


async def test_a_platform_is_limited_over_all_its_keys_and_each_key_by_itself() -> None:
    limiter = Limiter(DEFAULTS, Settings().find)
    one, two, other = await limiter.meet(SHOP, "k1"), await limiter.meet(SHOP, "k2"), await limiter.meet(OTHER, "k3")
    assert spent(one) == 6, "two seconds' worth of its key's limit"
    assert spent(two) == 4, "what its platform has left"
    assert spent(other) == 6, "another platform is not touched"
    assert limiter.known("k1") is one
    assert limiter.known("k9") is None


async def test_what_is_refused_takes_nothing() -> None:
    meter = await Limiter(DEFAULTS, Settings().find).meet(SHOP, "k1")
    assert spent(meter) == 6
    spent(meter)
    assert await used(meter, "requests_per_second") == Quota("requests_per_second", 5, 0, 6, refused=0)
    assert await used(meter, "key_requests_per_second") == Quota("key_requests_per_second", 3, 0, 6, refused=2)


async def used(meter: Meter, name: str) -> Quota:
    [found] = [quota for quota in meter.quotas() if quota.limit == name]
    return found


async def test_a_refusal_says_when_to_come_again_through_both_doors() -> None:
    meter = await Limiter(DEFAULTS, Settings().find).meet(SHOP, "k1")
    meter.spend("joins_per_second", 200)
    with pytest.raises(Rejected) as refused:
        meter.spend("joins_per_second", 50)
    assert refused.value.metadata == {"limit": "joins_per_second", "allowed": "100", "retry_seconds": "0.500"}
    assert refused.value.retry_after == pytest.approx(0.5)
    again = rejected_of(status_of(refused.value))
    assert (again.reason, again.metadata) == ("RATE_LIMITED", refused.value.metadata)
    assert again.retry_after == pytest.approx(0.5)
    assert status.retry_milliseconds(0.0001) == 1
    assert rejected_of(status_of(Rejected("TEAM_UNKNOWN"))).retry_after is None


async def test_streams_are_counted_while_they_are_open() -> None:
    limiter = Limiter(DEFAULTS, Settings().find)
    one, two = await limiter.meet(SHOP, "k1"), await limiter.meet(SHOP, "k2")
    with ExitStack() as first:
        first.enter_context(one.stream())
        first.enter_context(one.stream())
        with pytest.raises(Rejected, match="TOO_MANY_STREAMS"), one.stream():
            pass
        with two.stream(), pytest.raises(Rejected, match="TOO_MANY_STREAMS"), two.stream():
            pass
        assert await used(one, "streams") == Quota("streams", 3, 2, refused=1)
        assert await used(one, "key_streams") == Quota("key_streams", 2, 2, refused=1)
    with one.stream(), one.stream():
        assert (await used(two, "streams")).used == 2


async def test_limits_that_are_set_hold_from_the_first_call_and_follow_changes() -> None:
    settings = Settings()
    settings.set[SHOP] = {"key_requests_per_second": 1, "streams": 1}
    limiter = Limiter(DEFAULTS, settings.find)
    meter = await limiter.meet(SHOP, "k1")
    assert spent(meter) == 2
    settings.set[SHOP] = {"key_requests_per_second": 4, "campaigns": 2}
    assert await limiter.learn() == 1
    assert spent(meter) == 6, "eight in all, of which two were used"
    limits.enter(meter)
    assert limits.allowed("campaigns") == 2
    assert limits.allowed("messages_per_day") is None
    assert (await used(meter, "streams")).allowed == 3, "the default again"


async def test_replicas_share_rates_and_streams_but_no_counts() -> None:
    meter = await Limiter(DEFAULTS, Settings().find, replicas=2).meet(SHOP, "k1")
    assert spent(meter) == 3
    assert (await used(meter, "streams")).allowed == 2
    limits.enter(meter)
    assert limits.allowed("campaigns") == 7


async def test_who_no_longer_calls_is_forgotten_but_not_while_a_stream_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings()
    limiter = Limiter(DEFAULTS, settings.find)
    idle, reading = await limiter.meet(SHOP, "k1"), await limiter.meet(OTHER, "k2")
    with reading.stream():
        monkeypatch.setattr("services.chassis.limits.monotonic", lambda: 5000.0)
        assert await limiter.learn() == 1
        assert limiter.known("k1") is None
        assert limiter.known("k2") is reading
    assert idle is not await limiter.meet(SHOP, "k1")
    monkeypatch.setattr("services.chassis.limits.monotonic", lambda: 9000.0)
    reads = settings.reads
    assert await limiter.learn() == 0
    assert settings.reads == reads, "where nobody calls, nothing is read"


async def test_a_call_that_nobody_measures_has_no_limit() -> None:
    limits.enter(None)
    limits.spend(limits.REQUESTS, 10**6)
    assert limits.allowed("campaigns") is None
