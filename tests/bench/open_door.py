"""team_formation without keys, limits and turns of platforms: `python -m tests.bench.open_door ROLE...`.

To be compared with. Whoever calls is taken for the platform whose key came first. No product setting does this.
"""

from collections.abc import Mapping

from services.chassis import gate
from services.chassis.coalesce import Coalescer
from services.chassis.gate import Gate
from services.chassis.platforms import Grant
from services.chassis.runner import main
from services.team_formation.__main__ import process

_first: list[Grant] = []


async def _admit(self: Gate, _method: str, metadata: Mapping[str, str]) -> None:
    """Let everybody in."""
    if not _first:
        _first.append(await self._keys.grant(metadata["authorization"].partition(" ")[2]))
    gate._grant.set(_first[0])


if __name__ == "__main__":
    Gate.admit = _admit  # type: ignore[assignment,method-assign]  # that is what this program is for
    Coalescer._admit = lambda *_: None  # type: ignore[method-assign]
    main(process)
