"""Every public RPC says which scope its caller's key needs, and what a key has is enough for what it is for."""

import pytest
from google.protobuf.descriptor import MethodDescriptor
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.notification.v1 import notification_service_pb2
from groupbuy.pricing.v1 import pricing_service_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2

from services.chassis import scopes

PUBLIC = (team_formation_service_pb2, pricing_service_pb2, notification_service_pb2)


def methods() -> list[MethodDescriptor]:
    """List every public RPC."""
    return [
        method
        for module in PUBLIC
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


def test_every_public_rpc_names_its_scope() -> None:
    assert [method.full_name for method in methods() if scopes.of_method(method) is None] == []


def test_what_changes_something_once_is_not_for_a_key_that_only_reads() -> None:
    """A request id is asked for where a call changes something."""
    changing = [method for method in methods() if "request_id" in method.input_type.fields_by_name]
    assert len(changing) > 40
    assert [method.full_name for method in changing if scopes.of_method(method) == "read"] == []


def test_a_path_needs_what_its_rpc_names() -> None:
    assert scopes.needed("/groupbuy.team_formation.v1.TeamFormation/JoinTeam") == "members"
    assert scopes.needed("/groupbuy.team_formation.v1.TeamFormation/GetTeam") == "read"
    assert scopes.needed("/groupbuy.pricing.v1.Pricing/WatchDemand") == "read"
    assert scopes.needed("/groupbuy.notification.v1.Notification/PutChannel") == "admin"


@pytest.mark.parametrize("path", ["/a.Nobody/Knows", "/groupbuy.team_formation.v1.TeamFormation/Nothing"])
def test_what_names_no_scope_is_for_admin_alone(path: str) -> None:
    assert scopes.needed(path) == "admin"


@pytest.mark.parametrize(
    ("has", "meets"),
    [
        ({"read"}, {"read"}),
        ({"members"}, {"members", "read"}),
        ({"campaigns"}, {"campaigns", "read"}),
        ({"campaigns", "members"}, {"campaigns", "members", "read"}),
        ({"admin"}, {"admin", "campaigns", "members", "read"}),
        (set(), set()),
        ({"later"}, {"later"}),
    ],
)
def test_a_key_meets_what_its_scopes_are_for(has: set[str], meets: set[str]) -> None:
    assert scopes.allowed(has) == meets


def test_names_are_those_of_the_proto() -> None:
    values = scope_pb2.Scope.values()
    assert {scopes.name_of(value) for value in values if value} == scopes.ALL == set(scopes.NAMES)
    assert [scopes.name_of(scopes.value_of(name)) for name in scopes.NAMES] == list(scopes.NAMES)
    assert scopes.value_of("later") == scope_pb2.SCOPE_UNSPECIFIED
    assert scopes.ordered({"read", "zoo", "admin"}) == ["admin", "read", "zoo"]
