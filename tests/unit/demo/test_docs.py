"""The page about scenes is true: its scene can be read, and it names every step and every key that there is."""

import re
from pathlib import Path

from deploy.demo.scene import read_scene
from deploy.demo.scene.steps import steps
from deploy.demo.scene.steps.expect import AMOUNTS, NUMBERS
from deploy.demo.scene.steps.known import (
    CAMPAIGN_STATES,
    CAUSES,
    KINDS,
    PARTS,
    PARTS_OF_REPORTS,
    REFUSALS,
    SEATS,
    STATES,
)
from deploy.demo.scene.steps.members import GETS
from deploy.demo.scene.steps.shop import ACTIONS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "scenes.md").read_text()


def test_the_scene_of_the_page_can_be_read(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(title.*?)```", PAGE, re.DOTALL)
    assert example
    path = tmp_path / "tea.toml"
    path.write_text(example[1])
    assert len(read_scene(path, {}).steps) == 4


def test_the_page_names_every_step_and_every_word_that_a_scene_may_use() -> None:
    words = (*KINDS, *PARTS, *STATES, *SEATS, *CAUSES, *CAMPAIGN_STATES, *PARTS_OF_REPORTS, *REFUSALS, *GETS, *ACTIONS)
    missing = [step for step in steps() if f"| `{step} = " not in PAGE]
    missing += [word for word in (*words, *NUMBERS, *AMOUNTS) if f"`{word}`" not in PAGE and f"`{word} = " not in PAGE]
    assert missing == []


def test_the_page_names_every_rule_of_a_campaign() -> None:
    source = (ROOT / "deploy" / "demo" / "scene" / "campaign.py").read_text()
    keys = set(re.findall(r"""(?:table|row)\.(?:\w+)\(\s*"(\w+)\"""", source))
    assert len(keys) > 30
    assert sorted(key for key in keys if f"`{key}`" not in PAGE and f"`[[campaign.{key}]]`" not in PAGE) == []
