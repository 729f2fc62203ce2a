"""Whatever comes, signed or not: no check and no reader raises."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.team_formation.hooks.call import Call, Handshake, Refused, Verified
from services.team_formation.hooks.registry import SERVICES
from tests.support.hook_calls import BY_NAME, NOW, STYLES

json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=5),
    max_leaves=20,
)
pairs = st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=80)), max_size=6)


@given(
    method=st.sampled_from(["POST", "GET", "", "HEAD"]),
    headers=pairs,
    query=st.binary(max_size=200),
    body=st.binary(max_size=300),
    name=st.sampled_from(sorted(BY_NAME)),
)
@settings(max_examples=400)
def test_no_call_makes_a_check_raise(
    method: str, headers: list[tuple[bytes, bytes]], query: bytes, body: bytes, name: str
) -> None:
    style = BY_NAME[name]
    call = Call.of(method, headers, query, body, NOW)
    assert isinstance(SERVICES[style.service].verify(call, style.secrets), Refused)


@given(
    style=st.sampled_from(STYLES), content=json_like, more=st.dictionaries(st.text(max_size=9), json_like, max_size=3)
)
@settings(max_examples=600)
def test_no_content_makes_a_check_or_a_reader_raise(style: Any, content: object, more: dict[str, object]) -> None:
    """Signed by the true secret, with any value in the place of one of its own."""
    if style.form != "json":
        return
    value = json.loads(style.content)
    for name in list(value)[:40]:
        changed = json.dumps({**more, **value, name: content}, ensure_ascii=True).encode()
        outcome = style.verify(style.raw(changed))
        assert isinstance(outcome, Verified | Handshake | Refused)
        for event in outcome.events if isinstance(outcome, Verified) else ():
            SERVICES[style.service].read(event.payload)
