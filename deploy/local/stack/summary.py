"""What a user reads when the stack is ready: where everything listens, the keys, what to try next."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.program import called
from deploy.local.stack.run import RunningPart
from deploy.local.stack.services import SERVICES


def summary(
    version: str, seconds: float, parts: Sequence[RunningPart], data: Path, keys: Mapping[str, str], how_to_stop: str
) -> list[str]:
    """The lines to print; `seconds` is how long the start took, `keys` are by what they are called."""
    address = next((part.address for part in parts if part.name == SERVICES[0]), "")
    return [
        f"groupbuy {version} is ready after {seconds:.1f} s",
        "",
        *(f"  {part.name:<15} {part.address:<22} {_kind(part)}".rstrip() for part in parts),
        f"  {'data':<15} {data}",
        *(f"  {name:<15} {key}" for name, key in keys.items() if key),
        "",
        "Try next:",
        f"  grpcurl -plaintext {address} list",
        f"  {called()} status",
        f"  {called()} logs -f",
        how_to_stop,
    ]


def _kind(part: RunningPart) -> str:
    what = "gRPC" if part.name in SERVICES else ""
    return what if part.ours else "already there"
