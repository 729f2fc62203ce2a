"""The refusals as data: proto/reasons.toml, with the gRPC code, the retry rule and the sentences of each."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

import grpc
from groupbuy.reasons import BY_NAME, ReasonName

FALLBACK_LANGUAGE = "en"
"""Every sentence for buyers is there in this language."""


class UnknownReasonError(LookupError):
    """A refusal by a reason that proto/reasons.toml does not have: a defect, or the word of a newer release."""

    def __init__(self, name: str) -> None:
        near = get_close_matches(name, BY_NAME, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        super().__init__(f'there is no reason "{name}" in proto/reasons.toml; add it there, then `make proto`.{hint}')


@dataclass(frozen=True, slots=True)
class Reason:
    """One refusal."""

    name: str
    code: grpc.StatusCode
    retry: str
    """What a caller can do with it: never, new_id, same_id or after."""
    audience: str
    """Who can do something about it: buyer, staff, developer or operator."""
    every: str
    """The kind of calls of which every one can answer it; empty where the RPCs name it."""
    message: str
    metadata: Mapping[str, str]
    """Each key of its metadata, with its meaning."""
    buyer: Mapping[str, str]
    """The sentence for a buyer by language, a BCP 47 tag; empty where no buyer sees it."""

    def sentence(self, metadata: Mapping[str, str]) -> str:
        """Fill the message; a name without metadata stays visible rather than failing the answer."""
        known = {name: metadata.get(name, f"({name})") for name in placeholders(self.message)}
        return self.message.format(**known)

    def buyer_sentence(self, language: str, metadata: Mapping[str, str]) -> str | None:
        """Say it to a buyer, in English where the language is not there; None where it is not for a buyer.

        A count that the metadata lacks leaves no sentence either: half a sentence helps nobody.
        """
        text = self.buyer.get(language) or self.buyer.get(FALLBACK_LANGUAGE)
        if text is None or not placeholders(text) <= metadata.keys():
            return None
        return text.format(**metadata)


def placeholders(text: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def named(name: str) -> ReasonName:
    """Take a text as the name of a reason; UnknownReasonError where there is none of this name."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise UnknownReasonError(name) from None


@cache
def reasons() -> dict[str, Reason]:
    """Every refusal by name."""
    return read_reasons((files("groupbuy") / "reasons.toml").read_text(encoding="utf-8"))


def read_reasons(text: str) -> dict[str, Reason]:
    """Read the file of refusals; KeyError where an entry lacks what every one has."""
    return {name: _reason(name, row) for name, row in tomllib.loads(text).items()}


def _reason(name: str, row: Mapping[str, Any]) -> Reason:
    return Reason(
        name,
        grpc.StatusCode[row["code"]],
        row["retry"],
        row["for"],
        row.get("every", ""),
        row["message"],
        row.get("metadata", {}),
        row.get("buyer", {}),
    )
