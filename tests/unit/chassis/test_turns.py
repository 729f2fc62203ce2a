"""Queues that take turns: nothing is lost, each party's order holds, and nobody's amount keeps another waiting."""

from collections import Counter, defaultdict
from collections.abc import Hashable

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.turns import Turns

ROOM = 20
MOST = 8
Item = tuple[str, int, int]
"""A party, a number within it, a size."""

arrivals = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, MOST)), max_size=120)


def queue_of(came: list[tuple[str, int]]) -> tuple[Turns[Item], dict[str, list[Item]]]:
    turns: Turns[Item] = Turns(lambda item: item[2])
    items: dict[str, list[Item]] = defaultdict(list)
    for party, size in came:
        item = (party, len(items[party]), size)
        items[party].append(item)
        turns.add(party, item)
    return turns, items


def emptied(turns: Turns[Item], most: int) -> list[list[Item]]:
    """Take batches until nothing waits."""
    batches = []
    while len(turns):
        batches.append(turns.take(ROOM, most, Counter()))
        assert batches[-1], "a batch with nothing in it would go on for ever"
    return batches


@given(arrivals, st.sampled_from([MOST, ROOM]))
def test_each_item_is_taken_once_and_in_the_order_of_its_party(came: list[tuple[str, int]], most: int) -> None:
    turns, items = queue_of(came)
    taken = [item for batch in emptied(turns, most) for item in batch]
    for party, own in items.items():
        assert [item for item in taken if item[0] == party] == own
    assert len(taken) == len(came)


@given(arrivals, st.sampled_from([MOST, ROOM]))
def test_a_batch_never_has_more_than_its_room_and_nobody_much_more_than_a_share(
    came: list[tuple[str, int]], most: int
) -> None:
    turns, _ = queue_of(came)
    for batch in emptied(turns, most):
        assert sum(size for _, _, size in batch) <= ROOM
        had: Counter[str] = Counter()
        for party, _, size in batch:
            assert had[party] < most, "a share was used up before"
            had[party] += size


@given(st.integers(1, 2000), st.integers(1, 12))
def test_a_lone_item_is_in_the_next_batch_however_much_others_bring(flood: int, floods: int) -> None:
    turns: Turns[Item] = Turns(lambda item: item[2])
    for party in range(floods):
        for number in range(flood):
            turns.add(f"flood {party}", (f"flood {party}", number, 1))
    turns.add("quiet", ("quiet", 0, 1))
    assert ("quiet", 0, 1) in turns.take(ROOM, MOST, Counter())


@given(st.integers(3, 9), st.integers(10, 40))
def test_those_who_bring_as_much_get_as_much(parties: int, each: int) -> None:
    turns, _ = queue_of([(name, 1) for name in "abcdefghi"[:parties] for _ in range(each)])
    got: Counter[str] = Counter()
    while min(got[name] for name in "abcdefghi"[:parties]) < each - 1:
        got.update(item[0] for item in turns.take(ROOM, ROOM, Counter()))
        spread = [got[name] for name in "abcdefghi"[:parties]]
        assert max(spread) - min(spread) <= ROOM // parties + 1


def test_one_party_alone_has_all_the_room() -> None:
    turns, items = queue_of([("a", 1)] * 50)
    assert turns.take(ROOM, ROOM, Counter()) == items["a"][:ROOM]
    assert turns.oldest("a") == items["a"][ROOM]
    assert turns.oldest("b") is None


def test_what_a_party_had_elsewhere_counts() -> None:
    turns, items = queue_of([("a", 1)] * 9)
    had: Counter[Hashable] = Counter({"a": MOST - 2})
    assert turns.take(ROOM, MOST, had) == items["a"][:2]
    assert had["a"] == MOST


def test_what_takes_no_room_goes_along() -> None:
    turns: Turns[Item] = Turns(lambda item: item[2])
    for number in range(30):
        turns.add("a", ("a", number, 0))
    turns.add("a", ("a", 30, ROOM))
    assert len(turns.take(ROOM, ROOM, Counter())) == 31
