"""Members' own links: read back by whoever knows the secret, and by nobody else."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.team_formation.member_links import LAST_NUMBER, LENGTH, MemberLinks

LINKS = MemberLinks("a secret", "https://shop.example/")
START = "https://shop.example/m/"


@given(st.uuids(), st.uuids(), st.integers(0, LAST_NUMBER))
def test_a_link_is_read_as_it_was_made(campaign_id: UUID, seat_id: UUID, number: int) -> None:
    url = LINKS.url(campaign_id, seat_id, number)
    token = url.removeprefix(START)
    assert len(token) == LENGTH
    assert LINKS.read(token) == (campaign_id, seat_id, number)
    assert MemberLinks("another secret", "https://shop.example").read(token) is None


@given(st.text(max_size=80))
def test_any_other_text_is_none(text: str) -> None:
    assert LINKS.read(text) is None


def test_a_changed_letter_is_noticed() -> None:
    token = LINKS.url(UUID(int=1), UUID(int=2), 0).removeprefix(START)
    for at in range(LENGTH):
        for letter in "0Az":
            changed = token[:at] + letter + token[at + 1 :]
            assert changed == token or LINKS.read(changed) is None
    assert LINKS.read("z" * LENGTH) is None
