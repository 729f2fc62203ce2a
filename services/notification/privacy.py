"""Takes addresses out of what a channel said, before it is stored or logged."""

import re

_LONGEST = 300
_MAILBOX = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"\b(?:[\w-]+\.)+[\w-]+:\d+")


def without_token(detail: str, link: str) -> str:
    """Replace the secret that a link ends with, by itself too."""
    token = link.rpartition("/")[2]
    return detail.replace(token, "(link)") if token else detail


def without_addresses(detail: str, address: str) -> str:
    """Replace the address, its parts and whatever looks like one; one line of at most 300 characters."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in detail).split())
    for part in sorted({address, *re.split(r"[@/?#]", address)}, key=len, reverse=True):
        if len(part) >= 4:  # noqa: PLR2004 - shorter ones would eat ordinary words
            text = re.sub(re.escape(part), "(address)", text, flags=re.IGNORECASE)
    for pattern in (_URL, _MAILBOX, _HOST_AND_PORT):
        text = pattern.sub("(address)", text)
    return text[:_LONGEST]
