"""How large an answer may be: gRPC clients refuse more than 4 MiB unless they are told otherwise."""

from collections.abc import Iterable
from typing import Any, TypeVar

LARGEST = 4 * 1024 * 1024
_PAGE = LARGEST - 64 * 1024
"""What the items of a page may take; the rest is for their heads and the token."""

Item = TypeVar("Item", bound=Any)


def fitting(messages: Iterable[Item]) -> list[Item]:
    """Take messages from the front as long as an answer has room for them, but at least one."""
    taken: list[Item] = []
    size = 0
    for message in messages:
        size += message.ByteSize()
        if taken and size > _PAGE:
            break
        taken.append(message)
    return taken
