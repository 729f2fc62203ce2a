"""Every reason for a refusal, as data: what a caller can do, and what a buyer may be told."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Literal, TypeAlias

from groupbuy.reasons import BY_NAME, ReasonName

Retry: TypeAlias = Literal["never", "new_id", "same_id", "after"]
"""What a caller can do: nothing; mend the call and take a new request id; send the very same call again; wait until the
state has changed, then with a new request id."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason."""

    name: ReasonName
    code: str
    """The name of the gRPC status."""
    retry: Retry
    audience: str
    """Who can do something about it: buyer, staff, developer or operator."""
    buyer: Mapping[str, str]
    """The sentence for a buyer by language; empty where no buyer sees it. Names in braces are keys of the metadata."""

    def for_buyer(self, language: str, metadata: Mapping[str, str]) -> str | None:
        """Say it to a buyer, in English where the language is not there; None where it is not for a buyer."""
        text = self.buyer.get(language) or self.buyer.get("en")
        if text is None or not {name for _, name, _, _ in Formatter().parse(text) if name} <= metadata.keys():
            return None
        return text.format(**metadata)


@cache
def reasons() -> Mapping[ReasonName, Reason]:
    """Give every reason by its name."""
    rows = tomllib.loads(files("groupbuy").joinpath("reasons.toml").read_text(encoding="utf-8"))
    return {
        BY_NAME[name]: Reason(BY_NAME[name], row["code"], row["retry"], row["for"], row.get("buyer", {}))
        for name, row in rows.items()
    }
