"""The refusals as data: proto/reasons.toml, with the gRPC code, the retry rule and the sentence of each."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter

import grpc


@dataclass(frozen=True, slots=True)
class Reason:
    """One refusal."""

    name: str
    code: grpc.StatusCode
    retry: str
    message: str

    def sentence(self, metadata: dict[str, str]) -> str:
        """Fill the message; a name without metadata stays visible rather than failing the answer."""
        known = {name: metadata.get(name, f"({name})") for _, name, _, _ in Formatter().parse(self.message) if name}
        return self.message.format(**known)


@cache
def reasons() -> dict[str, Reason]:
    """Every refusal by name."""
    table = tomllib.loads((files("groupbuy") / "reasons.toml").read_text())
    return {
        name: Reason(name, grpc.StatusCode[row["code"]], row["retry"], row["message"]) for name, row in table.items()
    }
