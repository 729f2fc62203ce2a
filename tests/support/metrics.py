"""Reads what a process says of itself at its health and metrics address."""

import re

import aiohttp


async def metric(ops_address: str, name: str) -> float:
    """Give a metric without labels; 0 where the process has none of that name."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{ops_address}/metrics") as response:
        found = re.search(rf"^{name} (\S+)$", await response.text(), re.MULTILINE)
    return float(found.group(1)) if found else 0.0
