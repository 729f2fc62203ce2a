"""The lines of docs/handover.md take the tokens that are minted, and nothing else; its tables are true."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest

from services.chassis import ids
from services.team_formation.handover import JWKS_PATH, LIFETIME, MOST_CHARACTERS
from tests.support.formation import OTHER_PLATFORM, PLATFORM, PUBLIC_URL
from tests.support.handing_over import a_handover, changed, taken_apart, tokens
from tests.support.quoting import FIRST, SECOND, ring

PAGE = (Path(__file__).parents[3] / "docs" / "handover.md").read_text(encoding="utf-8")
JWKS = tokens(FIRST, SECOND).jwks().decode()
ME = ids.opaque("plat", PLATFORM)


def code() -> str:
    [found] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def read() -> Callable[..., Any]:
    """The page's own function, as this platform calls it."""
    names: dict[str, Any] = {}
    exec(code(), names)  # noqa: S102 - the page's own lines

    def read_handover(token: str, jwks: str = JWKS) -> Any:
        return names["read_handover"](token, jwks, PUBLIC_URL, ME)

    return read_handover


def minted(key: str = FIRST, platform_id: UUID = PLATFORM, ago: timedelta = timedelta()) -> str:
    return tokens(key).mint(platform_id, a_handover(), datetime.now(UTC) - ago)


def by(key: str) -> Callable[[bytes], bytes]:
    return ring(key).first[1].sign


def test_it_is_ten_lines() -> None:
    assert len([line for line in code().splitlines() if line.strip()]) <= 10


def test_it_takes_what_is_minted_with_any_published_key(read: Callable[..., Any]) -> None:
    for key in (FIRST, SECOND):
        token = minted(key)
        assert read(token) == taken_apart(token)[1]
        assert read(token)["invite_code"] == a_handover().invite_code


def test_it_reads_over_claims_that_it_does_not_know(read: Callable[..., Any]) -> None:
    assert read(changed(minted(), by(FIRST), {}, quantity=3))["quantity"] == 3


BAD: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no parts": lambda: "a.b.c",
    "no text": lambda: "\ud800",
    "no ASCII": lambda: "ä.ö.ü",
    "huge": lambda: changed(minted(), by(FIRST), {}, more="x" * 2_000),
    "damaged": lambda: minted()[:-9] + "AAAAAAAAA",
    "another platform's": lambda: minted(platform_id=OTHER_PLATFORM),
    "for several": lambda: changed(minted(), by(FIRST), {}, aud=[ME, "plat_other"]),
    "expired": lambda: minted(ago=LIFETIME + timedelta(minutes=2)),
    "unripe": lambda: minted(ago=timedelta(minutes=-2)),
    "another issuer's": lambda: changed(minted(), by(FIRST), {}, iss="https://other.example"),
    "for ever": lambda: changed(minted(), by(FIRST), {}, exp=None),
    "without an id": lambda: changed(minted(), by(FIRST), {}, jti=None),
    "of another type": lambda: changed(minted(), by(FIRST), {"typ": "JWT"}),
    "without a key": lambda: changed(minted(), by(FIRST), {"kid": None}),
    "another key's": lambda: changed(minted(), by(SECOND), {}),
    "not signed": lambda: changed(minted(), lambda _: b"", {"alg": "none"}),
    "of another algorithm": lambda: changed(minted(), by(FIRST), {"alg": "HS512"}),
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
def test_it_refuses_the_rest(read: Callable[..., Any], token: Callable[[], str]) -> None:
    assert read(minted())
    with pytest.raises(jwt.PyJWTError):
        read(token())


def test_a_key_that_is_not_in_the_set_is_told_apart(read: Callable[..., Any]) -> None:
    with pytest.raises(jwt.PyJWTError, match="read the key set again"):
        read(minted(SECOND), tokens(FIRST).jwks().decode())
    with pytest.raises(jwt.PyJWTError):
        read(minted(), '{"keys":[]}')


def test_the_table_has_every_claim_and_no_other() -> None:
    table = PAGE.partition("| claim | is |")[2].partition("\n\n")[0]
    named = [name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1] if line else "")]
    assert named == list(taken_apart(minted())[1])


def test_the_page_s_numbers_are_those_of_the_code() -> None:
    assert f"exp` | from when it is no good: {LIFETIME.seconds} seconds later" in PAGE
    assert f"good for {LIFETIME.seconds // 60} minutes" in PAGE
    assert f"never more than {MOST_CHARACTERS:,}" in PAGE
    assert f"https://buy.example{JWKS_PATH}" in PAGE
    assert 550 < len(minted()) < 700, "of some 600 characters"
