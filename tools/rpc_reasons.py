"""Reads in the comment of an RPC by which reasons it can be refused.

A comment lists them after "Reasons:", up to the next full stop; "as JoinTeam" takes over the list of another RPC of the
same service.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_REASON = re.compile(r"\b(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{3,})\b")
_AS = re.compile(r"\bas (\w+)")


@dataclass(frozen=True)
class Rpc:
    """One RPC with what its comment says of its refusals."""

    service: str
    """Its full name, with the package."""
    name: str
    reasons: tuple[str, ...]
    """The reasons that its comment names itself, in its order."""
    like: tuple[str, ...]
    """Other RPCs of the service whose reasons it has too."""


def read_rpc(service: str, name: str, comment: str) -> Rpc:
    """Read the comment of one RPC, its lines joined by spaces."""
    listed = comment.partition("Reasons:")[2].partition(".")[0]
    return Rpc(service, name, tuple(_REASON.findall(listed)), tuple(_AS.findall(listed)))


def all_reasons(rpc: Rpc, calls: Iterable[Rpc], seen: frozenset[str] = frozenset()) -> list[str]:
    """Return the reasons of an RPC, those of the RPCs it is like included; KeyError where it is like none there is."""
    others = {other.name: other for other in calls if other.service == rpc.service}
    found = dict.fromkeys(rpc.reasons)
    for name in rpc.like:
        if name not in seen:
            found |= dict.fromkeys(all_reasons(others[name], others.values(), seen | {rpc.name}))
    return list(found)
