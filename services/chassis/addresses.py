"""Keeps requests from addresses inside the network: what a name resolves to is judged where it is resolved."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


class PrivateAddress(OSError):
    """A name that resolves to an address that only the inside of a network reaches."""


def is_private(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is not globally reachable: private, loopback, link-local, multicast, reserved."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner:
            return is_private(inner)
    return not address.is_global or address.is_multicast


def is_private_host(host: str) -> bool:
    """Tell the same of a host as a URL has it; a name is judged only when it is resolved, except `localhost`."""
    try:
        return is_private(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        # Forms such as 127.1 or 0x7f000001, which the system would connect to.
        return is_private(IPv4Address(socket.inet_aton(host)))
    except OSError:
        return host.rstrip(".").lower() == "localhost" or host.rstrip(".").lower().endswith(".localhost")


class GuardedResolver(AbstractResolver):
    """Resolves names and refuses those with a private address, so that what is judged is what is connected to."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name; PrivateAddress where any of its addresses is private."""
        found = await self._inner.resolve(host, port, family)
        if any(is_private(ip_address(item["host"].partition("%")[0])) for item in found):
            raise PrivateAddress("the name resolves to a private, loopback or link-local address")
        return found

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._inner.close()
