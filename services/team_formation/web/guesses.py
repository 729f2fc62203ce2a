"""Bounds how often an address may open links that lead nowhere: whoever guesses codes is slowed, a crowd is not.

Codes have 71 random bits, so guessing is hopeless; this keeps it from costing the database.
"""

import time
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

BURST = 30
"""Unknown links that an address may open at once; good links are not counted."""
REFILL_SECONDS = 2.0
"""After so long it may open one more."""
_MOST = 100_000
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: IPv4 as a translator writes it
_IPV6_PREFIX = 64
"""A household has as many addresses as it likes in one such network."""


class Guesses:
    """Unknown links by address."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}

    def is_blocked(self, address: str) -> bool:
        """Tell whether an address has opened too many."""
        return bool(self._seen) and self._count(_network(address)) > BURST - 1

    def add(self, address: str) -> None:
        """Count one."""
        network = _network(address)
        if len(self._seen) >= _MOST:
            self._forget()
        self._seen[network] = (min(self._count(network) + 1, BURST), time.monotonic())

    def _count(self, network: str) -> float:
        count, at = self._seen.get(network, (0.0, 0.0))
        return max(count - (time.monotonic() - at) / REFILL_SECONDS, 0)

    def _forget(self) -> None:
        """Forget those who have nothing left against them; all, where that does not help."""
        self._seen = {network: seen for network, seen in self._seen.items() if self._count(network) > 0}
        if len(self._seen) >= _MOST:
            self._seen.clear()


def _network(address: str) -> str:
    """Name the network that an address is counted in."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or (IPv4Address(parsed.packed[12:]) if parsed in _NAT64 else parsed)
    return str(parsed) if parsed.version == 4 else str(ip_network((parsed, _IPV6_PREFIX), strict=False))  # noqa: PLR2004
