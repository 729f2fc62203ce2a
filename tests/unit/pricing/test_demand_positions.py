"""The worker goes on after what its table contains, and takes no tally before the one in front of it."""

from services.pricing.demand.positions import MOST_TRIES, Positions


def begun(*contained: tuple[int, int]) -> Positions:
    positions = Positions()
    positions.begin([0, 1], contained)
    return positions


def test_it_begins_after_the_highest_offset_of_each_partition() -> None:
    positions = begun((0, 4), (0, 9), (2, 7))
    assert (positions[0], positions[1]) == (10, 0)
    assert positions.to_seek() == [0, 1]
    assert positions.to_seek() == []


def test_a_tally_is_taken_once_and_in_order() -> None:
    positions = begun((0, 4))
    assert [positions.admit(0, offset) for offset in (4, 5, 5, 6)] == [False, True, False, True]


def test_a_tally_that_is_ahead_waits_until_the_missing_ones_were_read() -> None:
    positions = begun()
    positions.to_seek()
    assert not positions.admit(0, 3)
    assert positions.to_seek() == [0]
    assert [positions.admit(0, offset) for offset in (0, 1, 2, 3)] == [True] * 4
    assert positions.to_seek() == []


def test_what_cannot_be_found_is_passed_over_in_the_end() -> None:
    positions = begun()
    positions.to_seek()
    assert not positions.admit(0, 3)
    looks = [positions.to_seek() for _ in range(MOST_TRIES)]
    assert [at for at, sought in enumerate(looks, start=1) if sought] == [1, 2, 4, 8, 16, 32, 64]
    assert positions.to_seek() == []
    assert positions.admit(0, 3)
    assert (positions[0], positions.passed_over) == (4, 3)


def test_nothing_is_taken_between_two_assignments() -> None:
    positions = begun()
    positions.forget()
    assert not positions.admit(0, 0)
    assert positions.to_seek() == []
