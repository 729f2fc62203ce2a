"""Batches of a rebuild: one partition in order, several at a time, and what goes wrong is raised."""

import asyncio

import pytest

from services.chassis.messages import Record
from services.pricing.handlers.lanes import AT_A_TIME, Lanes
from tests.support.until import until


def records(partition: int, *offsets: int) -> list[Record]:
    return [Record("topic", "key", b"", (), partition, offset) for offset in offsets]


def places(found: list[Record]) -> list[tuple[int, int]]:
    return [(record.partition, record.offset) for record in found]


async def test_one_partition_stays_in_order_while_others_go_on() -> None:
    begun: list[tuple[int, int]] = []
    gate = asyncio.Event()

    async def apply(found: list[Record]) -> None:
        begun.extend(places(found))
        if (0, 1) in places(found):
            await gate.wait()

    lanes = Lanes(apply)
    await lanes.put(records(0, 1, 2) + records(1, 1))
    await lanes.put(records(0, 3) + records(1, 2))
    await until(lambda: (1, 2) in begun)
    assert (0, 3) not in begun
    gate.set()
    await lanes.finish()
    assert [place for place in begun if place[0] == 0] == [(0, 1), (0, 2), (0, 3)]


async def test_more_than_there_is_room_for_waits() -> None:
    under_way, most = 0, 0

    async def apply(_found: list[Record]) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    lanes = Lanes(apply)
    await lanes.put([record for partition in range(20) for record in records(partition, 1)])
    await lanes.finish()
    assert most == AT_A_TIME


async def test_what_goes_wrong_is_raised_and_nothing_of_its_partition_comes_after_it() -> None:
    applied: list[tuple[int, int]] = []

    async def apply(found: list[Record]) -> None:
        if places(found) == [(0, 1)]:
            raise RuntimeError("no room on the disk")
        applied.extend(places(found))

    lanes = Lanes(apply)
    await lanes.put(records(0, 1))
    await lanes.put(records(0, 2) + records(1, 1))
    with pytest.raises(RuntimeError, match="no room on the disk"):
        await lanes.finish()
    await lanes.stop()
    assert (0, 2) not in applied
