"""The ids of test twins."""

from uuid import RFC_4122, uuid4

from services.chassis.ids import derived_id, new_id
from services.chassis.twins import is_test, twin_of


def test_a_twin_is_told_from_every_other_platform_by_its_id() -> None:
    platform_id = new_id()
    twin = twin_of(platform_id, 1)
    assert (twin.version, twin.variant) == (8, RFC_4122)
    assert is_test(twin)
    assert not any(map(is_test, [platform_id, uuid4(), derived_id(platform_id, "twin")]))


def test_each_generation_of_each_platform_has_an_id_of_its_own() -> None:
    platforms = [new_id() for _ in range(50)]
    assert len({twin_of(item, generation) for item in platforms for generation in range(20)}) == 1000
    assert twin_of(platforms[0], 3) == twin_of(platforms[0], 3)
