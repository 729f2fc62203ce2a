"""What a key may do, and what each RPC needs: read from the descriptors, so that no list can lag behind the protos."""

from collections.abc import Iterable
from functools import cache
from typing import TypeAlias

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from groupbuy.chassis.v1 import scope_pb2

Scopes: TypeAlias = frozenset[str]
"""Names of scopes, as they are stored: admin, campaigns, members, read."""

ALL: Scopes = frozenset({"admin", "campaigns", "members", "read"})
NAMES = ("admin", "campaigns", "members", "read")
"""In the order in which they are shown."""

_PREFIX = "SCOPE_"
# A key with admin can make one with any scope, so anything less than all would be no limit.
_ALSO = {"admin": ALL, "campaigns": {"read"}, "members": {"read"}, "read": set[str]()}


def allowed(scopes: Iterable[str]) -> Scopes:
    """Tell which needs of RPCs a key with these scopes meets; a name that only a newer release knows meets its own."""
    return frozenset(met for name in scopes for met in {name, *_ALSO.get(name, ())})


def of_method(method: MethodDescriptor) -> str | None:
    """Tell the scope that an RPC names, None where it names none."""
    named = method.GetOptions().Extensions[scope_pb2.scope]
    return name_of(named) if named else None


@cache
def needed(path: str) -> str:
    """Tell the scope that a call to "/package.Service/Method" needs: admin where no known RPC names one."""
    _, service, name = path.split("/")
    try:
        method = descriptor_pool.Default().FindMethodByName(f"{service}.{name}")
    except KeyError:
        return "admin"
    return of_method(method) or "admin"


def name_of(scope: scope_pb2.Scope.ValueType) -> str:
    """Write a scope as it is stored."""
    return scope_pb2.Scope.Name(scope).removeprefix(_PREFIX).lower()


def value_of(name: str) -> scope_pb2.Scope.ValueType:
    """Read a stored scope; SCOPE_UNSPECIFIED for a name of a newer release."""
    return scope_pb2.Scope.Value(f"{_PREFIX}{name.upper()}") if name in ALL else scope_pb2.SCOPE_UNSPECIFIED


def ordered(scopes: Iterable[str]) -> list[str]:
    """List scopes as they are shown, those that only a newer release knows last."""
    given = set(scopes)
    return [*(name for name in NAMES if name in given), *sorted(given - ALL)]
