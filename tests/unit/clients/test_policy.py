"""The client policy fits the API: every call has its rules, and nothing is sent again that must not be."""

import json
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from groupbuy_client import service_config

from services.chassis.reasons import reasons
from services.chassis.server import LONGEST_CALL_SECONDS
from tests.support.two_doors import public_methods

POLICY = json.loads(service_config())
NEW_EACH_TIME = {"RevokeMemberLink", "RevokePromoterLink", "MakeChatCode", "SendTestEvent"}
"""Each call of these makes something new, or does something again."""
SHOWN_ONCE = {"CreateKey", "RotateKey"}
"""Whoever sends these again gets the answer without the secret: a client must not do so unasked."""
PUBLIC = public_methods()
READS = ("Get", "List", "Find", "Resolve", "Verify", "Explain", "Export", "Simulate", "Preview", "Watch", "Stream")
SETS = ("Put", "Delete", "Hide", "Unsubscribe", "JoinTeams", "ImportTeams")
"""What they leave is the same after one call and after two; each join of JoinTeams has its own request id, and a
team that ImportTeams has brought over stays as it is."""


def rule(method: MethodDescriptor) -> dict[str, Any]:
    """Find the rule of a call: one for the method goes before one for its service."""
    service = method.containing_service.full_name
    for name in ({"service": service, "method": method.name}, {"service": service}):
        found = [item for item in POLICY["methodConfig"] if name in item["name"]]
        if found:
            [only] = found
            return dict(only)
    raise AssertionError(f"{method.full_name} has no rule")


def test_every_name_in_it_is_a_call() -> None:
    known = {(method.containing_service.full_name, method.name) for method in PUBLIC}
    named = {(name["service"], name.get("method")) for item in POLICY["methodConfig"] for name in item["name"]}
    assert {service for service, _ in named} == {service for service, _ in known}
    assert {pair for pair in named if pair[1]} <= known


@pytest.mark.parametrize("method", PUBLIC, ids=lambda method: method.name)
def test_a_call_has_a_deadline_and_is_sent_again_only_where_that_does_no_harm(method: MethodDescriptor) -> None:
    found = rule(method)
    if method.server_streaming:
        assert "timeout" not in found
    else:
        assert 5 <= float(found["timeout"].removesuffix("s")) <= LONGEST_CALL_SECONDS
    has_id = "request_id" in method.input_type.fields_by_name
    if method.name in NEW_EACH_TIME | SHOWN_ONCE:
        assert "retryPolicy" not in found
    else:
        assert has_id or method.name.startswith((*READS, *SETS)), "say what happens when it is sent twice"
        assert found["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE", "CANCELLED"]


def test_what_is_sent_again_is_what_may_be_sent_again() -> None:
    passing = [reason for reason in reasons().values() if reason.code.name == "UNAVAILABLE"]
    assert passing
    assert {reason.retry for reason in passing} == {"same_id"}


def test_it_is_a_service_config_that_grpc_takes() -> None:
    """GRPC takes no text that is not as its specification says, and says so only in its own log."""
    assert set(POLICY) == {"loadBalancingConfig", "retryThrottling", "methodConfig"}
    for item in POLICY["methodConfig"]:
        retries = item.get("retryPolicy")
        if retries:
            assert 2 <= retries["maxAttempts"] <= 5
            assert retries["backoffMultiplier"] > 0
    assert 0 < POLICY["retryThrottling"]["maxTokens"] <= 1000
