"""One scene as it was read, and who takes part in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.scene.model.offer import Campaign
from deploy.demo.scene.model.steps import Step


@dataclass(frozen=True, slots=True)
class Member:
    """A buyer: the channels that reach them in the order they are tried, and what the shop says of them at a join."""

    name: str
    reach: tuple[str, ...]
    language: str = ""
    time_zone: str = ""
    newcomer: bool = False
    tags: tuple[str, ...] = ()
    match_key: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene; `campaign` and `members` include those of the scene that it continues."""

    name: str
    path: Path
    title: str
    story: str
    continues: str
    campaign: Campaign
    members: Mapping[str, Member]
    steps: tuple[Step, ...]
