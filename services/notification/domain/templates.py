"""Platforms' own templates: which one is used for a message."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from services.notification.domain.messages import Kind

_SCRIPT, _REGION = 4, 2


@dataclass(frozen=True, slots=True)
class Template:
    """A platform's words for a kind of message; an empty channel means all that have none of their own."""

    kind: Kind
    channel: str
    language: str
    version: int
    """From 1; 0 for one that is not stored."""
    subject: str
    body: str


Templates: TypeAlias = Mapping[tuple[Kind, str, str], Template]
"""The templates of a platform that are in force, by kind, channel and language."""


def choose(templates: Templates, kind: Kind, channel: str, languages: Iterable[str]) -> Template | None:
    """Choose the template for a message: by language, and in each the channel's own before that of all."""
    for language in languages:
        for one in (channel, ""):
            if found := templates.get((kind, one, language)):
                return found
    return None


def usual_case(language: str) -> str:
    """Write a language tag as RFC 5646 section 2.1.1 has it: zh-Hans-CN."""
    first, *rest = language.lower().split("-")
    written = [first]
    for at, part in enumerate(rest):
        if any(len(before) == 1 for before in rest[:at]):
            written.append(part)
        else:
            written.append({_SCRIPT: part.title(), _REGION: part.upper()}.get(len(part), part))
    return "-".join(written)


def parents(language: str) -> list[str]:
    """List a language and what it falls back to, by RFC 4647 section 3.4: zh-Hant-TW, zh-Hant, zh."""
    found: list[str] = []
    parts = usual_case(language).split("-") if language else []
    while parts:
        found.append("-".join(parts))
        parts.pop()
        while parts and len(parts[-1]) == 1:
            parts.pop()
    return found
