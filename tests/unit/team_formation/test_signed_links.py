"""Links of one page each: read back by whoever knows the secret, for their own purpose, and by nobody else."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.team_formation.signed_links import LAST_NUMBER, LENGTH, MemberLinks, PromoterLinks, SignedLinks

SECRET, ORIGIN = "a secret", "https://shop.example"
MEMBERS, PROMOTERS = MemberLinks(SECRET, f"{ORIGIN}/"), PromoterLinks(SECRET, f"{ORIGIN}/")
KINDS = pytest.mark.parametrize(("links", "other"), [(MEMBERS, PROMOTERS), (PROMOTERS, MEMBERS)])


def token_of(links: SignedLinks, first: UUID, second: UUID, number: int) -> str:
    """Make a link and take the token out of it."""
    return links.url(first, second, number).removeprefix(f"{ORIGIN}/{links.PATH}/")


@KINDS
@given(st.uuids(), st.uuids(), st.integers(0, LAST_NUMBER))
def test_a_link_is_read_as_it_was_made(
    links: SignedLinks, other: SignedLinks, first: UUID, second: UUID, number: int
) -> None:
    token = token_of(links, first, second, number)
    assert len(token) == LENGTH
    assert links.read(token) == (first, second, number)
    assert type(links)("another secret", ORIGIN).read(token) is None
    assert other.read(token) is None


@KINDS
@given(st.text(max_size=80))
def test_any_other_text_is_none(links: SignedLinks, other: SignedLinks, text: str) -> None:
    assert links.read(text) is None
    assert other.read(text) is None


@KINDS
def test_a_changed_letter_is_noticed(links: SignedLinks, other: SignedLinks) -> None:
    token = token_of(links, UUID(int=1), UUID(int=2), 0)
    assert links.PATH != other.PATH
    for at in range(LENGTH):
        for letter in "0Az":
            changed = token[:at] + letter + token[at + 1 :]
            assert changed == token or links.read(changed) is None
    assert links.read("z" * LENGTH) is None
