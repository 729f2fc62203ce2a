"""The page about scenes is true: its scene can be read, and it names every step and every key that there is."""

import re
from pathlib import Path

from deploy.demo.scene import read_scene
from deploy.demo.scene.steps import KINDS, PARTS, STATES, steps

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "scenes.md").read_text()


def test_the_scene_of_the_page_can_be_read(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(title.*?)```", PAGE, re.DOTALL)
    assert example
    path = tmp_path / "tea.toml"
    path.write_text(example[1])
    assert len(read_scene(path, {}).steps) == 4


def test_the_page_names_every_step_kind_part_and_state() -> None:
    missing = [step for step in steps() if f"| `{step} = " not in PAGE]
    missing += [word for word in (*KINDS, *PARTS, *STATES) if f"`{word}`" not in PAGE]
    assert missing == []
