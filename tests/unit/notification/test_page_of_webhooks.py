"""The receiver's lines of docs/webhooks.md verify what is posted, and nothing else."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.notification.signatures import is_secret, new_secret, signed_headers

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
BODY = '{"type": "team.team_opened", "data": "芒果"}'.encode()


@pytest.fixture
def is_ours() -> Any:
    found = re.search(r"```python\n(import base64.*?)```", PAGE, re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(found[1], names)  # noqa: S102 - the page's own lines
    return names["is_ours"]


def test_they_take_what_is_signed_with_the_secret(is_ours: Any) -> None:
    secret = new_secret()
    headers = signed_headers("id", datetime.now(UTC), BODY, [new_secret(), secret])
    assert is_ours(headers, BODY, secret)


def test_they_refuse_the_rest(is_ours: Any) -> None:
    secret = new_secret()
    headers = signed_headers("id", datetime.now(UTC), BODY, [secret])
    assert not is_ours(headers, BODY + b" ", secret)
    assert not is_ours(headers, BODY, new_secret())
    assert not is_ours(headers | {"webhook-signature": "v1,芒果"}, BODY, secret)
    assert not is_ours(signed_headers("id", datetime(2020, 1, 1, tzinfo=UTC), BODY, [secret]), BODY, secret)
    assert not is_ours(signed_headers("id", datetime.now(UTC), BODY, ["whsec_"]), BODY, "")


@pytest.mark.parametrize("bad", ["", "whsec_", "abc", "whsec_a", "whsec_!!!!"])
def test_what_is_no_secret_is_known(bad: str) -> None:
    assert not is_secret(bad)
    assert is_secret(new_secret())
