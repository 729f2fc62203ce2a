"""How tests are dealt out where several processes run them at once: what shares a server or a folder stays together.

All tests of a group run in one process, one after the other; groups with long tests begin first, so that no process
waits at the end for one that began late.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

FIRST = ("e2e", "fault", "outage", "contract", "integration", "unit")
"""The kinds in the order in which they begin."""
TOGETHER = {
    "tests/e2e/": "engines",  # on the usual ports, one at a time
    "tests/fault/": "engines",
    "tests/outage/": "engines",
    "tests/contract/": "brokers",  # started once for all
    "tests/integration/clients/": "clients",  # compiled once for all
}
"""The group of the tests below a folder."""


class Lanes(LoadScopeScheduling):  # type: ignore[misc]  # the library has no types
    """Deals out whole groups, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def arrange(items: list[pytest.Item]) -> None:
    """Put the kinds with long tests before the others."""
    items.sort(key=lambda item: FIRST.index(item.nodeid.split("/")[1]))


def group_of(nodeid: str) -> str:
    """Tell the group of a test: that of its folder, or its file."""
    shared = [group for folder, group in TOGETHER.items() if nodeid.startswith(folder)]
    return shared[0] if shared else nodeid.partition("::")[0]
