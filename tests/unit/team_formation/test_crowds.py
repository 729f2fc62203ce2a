"""Crowds of made-up members: drawn from a seed alone."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.team_formation.domain import CountedIn, PaymentMode, Rules
from services.team_formation.domain.crowds import crowd, members_of_a_team

PERCENT = st.integers(0, 100)


@given(seed=st.integers(0, 2**32 - 1), many=st.integers(0, 60), confirming=PERCENT, leaving=PERCENT)
def test_a_larger_crowd_begins_with_the_same_members(seed: int, many: int, confirming: int, leaving: int) -> None:
    people = list(crowd(seed, many, confirming, leaving))
    assert [one.member_id for one in people] == [f"test_member_{seed}_{n}" for n in range(1, many + 1)]
    assert list(crowd(seed, many + 9, confirming, leaving))[:many] == people
    for share, does in ((confirming, [one.confirms for one in people]), (leaving, [one.leaves for one in people])):
        assert share not in {0, 100} or set(does) <= {share == 100}


def test_shares_are_about_what_was_asked_for() -> None:
    people = list(crowd(7, 1000, 30, 10))
    assert 250 < sum(one.confirms for one in people) < 350
    assert 60 < sum(one.leaves for one in people) < 140
    both = sum(one.confirms and one.leaves for one in people)
    assert 10 < both < 60, "who confirms leaves as often as who does not"


def test_how_many_members_a_team_takes() -> None:
    def rules(counted_in: CountedIn) -> Rules:
        return Rules(PaymentMode.COMMIT, counted_in, 2, 10, timedelta(minutes=1), timedelta(hours=1))

    assert members_of_a_team(rules(CountedIn.MEMBERS), 3) == 10
    assert members_of_a_team(rules(CountedIn.UNITS), 3) == 3
    assert members_of_a_team(rules(CountedIn.UNITS), 11) == 1
