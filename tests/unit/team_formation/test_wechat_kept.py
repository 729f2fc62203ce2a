"""What was looked up is believed for a while: one look for all who ask at once, and none while it is believed."""

import asyncio

import psycopg
import pytest

from services.team_formation.wechat import kept
from services.team_formation.wechat.files import ServedFiles
from services.team_formation.wechat.kept import Kept
from tests.support.formation import PLATFORM

LONG = 3600.0


class Shelf:
    """Gives how often it was asked for a key; fails as it is told."""

    def __init__(self) -> None:
        self.looks: list[str] = []
        self.fails = False

    async def look(self, key: str) -> int:
        self.looks.append(key)
        await asyncio.sleep(0)
        if self.fails:
            raise psycopg.OperationalError("gone")
        return len(self.looks)


async def test_all_who_ask_at_once_wait_for_one_look() -> None:
    shelf = Shelf()
    values = Kept(shelf.look, lambda _: LONG)
    assert await asyncio.gather(*(values.of("a") for _ in range(10))) == [1] * 10
    assert await values.of("a") == 1
    assert await values.of("b") == 2
    assert shelf.looks == ["a", "b"]


async def test_what_is_not_to_be_believed_is_looked_up_each_time() -> None:
    shelf = Shelf()
    values = Kept(shelf.look, lambda found: LONG if found > 1 else 0)
    assert [await values.of("a") for _ in range(3)] == [1, 2, 2]
    assert values.last("b") is None


async def test_the_oldest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST", 2)
    shelf = Shelf()
    values = Kept(shelf.look, lambda _: LONG)
    for key in ("a", "b", "c", "b", "a"):
        await values.of(key)
    assert shelf.looks == ["a", "b", "c", "a"]


async def test_a_look_that_fails_fails_for_all_and_changes_nothing() -> None:
    shelf = Shelf()
    values = Kept(shelf.look, lambda _: 1e-9)
    assert await values.of("a") == 1
    shelf.fails = True
    failed = await asyncio.gather(*(values.of("a") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(error, psycopg.Error) for error in failed)
    assert values.last("a") == 1


async def test_while_the_database_is_away_nobody_new_has_cards() -> None:
    class Away:
        def read(self) -> None:
            raise psycopg.OperationalError("gone")

    assert not await ServedFiles(Away()).are_set_by(PLATFORM)  # type: ignore[arg-type]  # all that is asked of it here
