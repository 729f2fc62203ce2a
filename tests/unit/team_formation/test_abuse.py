"""Signs of abuse: what rules say of a join, and which rules and tags there may be."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.team_formation import domain
from services.team_formation.domain import AbuseAction, AbuseRule, Signal, check_abuse_rules, check_tag
from services.team_formation.domain.suspecting import judge

MINUTE = timedelta(minutes=1)
COUNTED = [signal for signal in Signal if signal is not Signal.OWN_INVITE]
RULES = st.lists(
    st.builds(AbuseRule, st.sampled_from(COUNTED), st.sampled_from(AbuseAction), st.integers(1, 5), st.just(MINUTE)),
    unique_by=lambda rule: rule.signal,
).map(tuple)
SEEN = st.dictionaries(st.sampled_from(Signal), st.integers(0, 9))


@given(rules=RULES, seen=SEEN)
def test_a_join_is_judged_by_each_rule_that_it_is_beyond(rules: tuple[AbuseRule, ...], seen: dict[Signal, int]) -> None:
    beyond = {rule.signal: rule for rule in rules if rule.signal and seen.get(rule.signal, -1) + 1 > rule.limit}
    verdict = judge(rules, seen)
    refusing = [rule for rule in beyond.values() if rule.action is AbuseAction.REFUSE]
    if refusing:
        assert verdict.refusal is not None
        assert verdict.refusal.reason == "JOIN_SUSPECTED"
        first = refusing[0]
        assert first.signal is not None
        told = {"signal": first.signal, "limit": str(first.limit), "seen": str(seen[first.signal] + 1)}
        assert verdict.refusal.metadata == told
        assert verdict.flags == ()
    else:
        assert verdict.refusal is None
        assert set(verdict.flags) == {signal for signal, rule in beyond.items() if rule.action is AbuseAction.FLAG}


@given(rules=RULES, seen=SEEN, more=st.integers(0, 5))
def test_more_of_a_sign_never_helps(rules: tuple[AbuseRule, ...], seen: dict[Signal, int], more: int) -> None:
    worse = {signal: many + more for signal, many in seen.items()}
    if judge(rules, seen).refusal:
        assert judge(rules, worse).refusal
    elif judge(rules, worse).refusal is None:
        assert set(judge(rules, seen).flags) <= set(judge(rules, worse).flags)


def test_without_rules_or_signs_nothing_is_said() -> None:
    rule = AbuseRule(Signal.OWN_INVITE, AbuseAction.REFUSE)
    assert judge((), {Signal.OWN_INVITE: 0}) == judge((rule,), None) == judge((rule,), {}) == (None, ())
    verdict = judge((rule,), {Signal.OWN_INVITE: 0})
    assert verdict.refusal == domain.Refusal("JOIN_SUSPECTED", {"signal": "OWN_INVITE", "limit": "0", "seen": "1"})


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (AbuseRule(Signal.SEATS_PER_DEVICE, AbuseAction.FLAG, 1000, timedelta(days=30)), []),
        (AbuseRule(Signal.SEATS_PER_ADDRESS, AbuseAction.REFUSE, 1, timedelta(seconds=1)), []),
        (AbuseRule(Signal.SEATS_PER_ADDRESS, AbuseAction.REFUSE, 0, MINUTE), ["limit"]),
        (AbuseRule(Signal.SEATS_PER_DEVICE, AbuseAction.REFUSE, 1001, timedelta(days=31)), ["limit", "within"]),
        (AbuseRule(Signal.JOINS_PER_INVITE, AbuseAction.ALLOW, 10_000, timedelta(days=1)), []),
        (AbuseRule(Signal.JOINS_PER_INVITE, AbuseAction.ALLOW, 10_001, timedelta()), ["limit", "within"]),
        (AbuseRule(Signal.OWN_INVITE, AbuseAction.FLAG), []),
        (AbuseRule(Signal.OWN_INVITE, AbuseAction.FLAG, 1, MINUTE), ["limit", "within"]),
        (AbuseRule(None, None), ["action", "signal"]),
    ],
)
def test_what_rules_may_say(rule: AbuseRule, fields: list[str]) -> None:
    assert [problem.field for problem in check_abuse_rules([rule])] == [f"abuse_rules[0].{name}" for name in fields]


def test_a_signal_has_one_rule() -> None:
    rule = AbuseRule(Signal.OWN_INVITE, AbuseAction.FLAG)
    assert [problem.field for problem in check_abuse_rules([rule, rule])] == ["abuse_rules"]


@pytest.mark.parametrize("tag", ["", "device-1", "9f86d081884c7d65", "a:b:c", "1.2.3", "x" * 64, "+/8=", "12/34"])
def test_tags_that_are_taken(tag: str) -> None:
    assert check_tag("device_tag", tag) == []


@pytest.mark.parametrize(
    "tag",
    [
        *["10.1.2.3", "10.1.2.3:443", "10.1.2.0/24", "::1", "2001:db8::7", "[2001:db8::7]:80", "2001:db8::/64"],
        *["mei@shop.example", "+4915112345678", "0151-1234-5678", "two words", "x" * 65, "ü"],
    ],
)
def test_tags_that_say_too_much(tag: str) -> None:
    assert [problem.field for problem in check_tag("address_tag", tag)] == ["address_tag"]
