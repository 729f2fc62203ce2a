"""Reads what a process says of itself at its health and metrics address."""

import re

import aiohttp

from deploy.local.stack import Stack
from deploy.local.stack.services import SERVICES


async def metric(ops_address: str, name: str) -> float:
    """Give a metric without labels; 0 where the process has none of that name."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{ops_address}/metrics") as response:
        found = re.search(rf"^{name} (\S+)$", await response.text(), re.MULTILINE)
    return float(found.group(1)) if found else 0.0


async def all_is_sent(stack: Stack, *services: str) -> bool:
    """Tell whether nothing waits in the outbox of any of these services, or of any at all."""
    waiting = [await metric(stack.ops_address(name), "groupbuy_outbox_unsent") for name in services or SERVICES]
    return not any(waiting)
