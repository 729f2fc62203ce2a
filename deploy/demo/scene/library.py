"""The scenes of a folder, in the order of their names, and which must be played for one of them."""

from pathlib import Path

from deploy.demo.errors import SceneError
from deploy.demo.scene.model import Scene
from deploy.demo.scene.order import by_number
from deploy.demo.scene.parse import read_scene

OURS = Path(__file__).resolve().parents[1] / "scenes"


def read_scenes(folder: Path) -> dict[str, Scene]:
    """Read every *.toml of a folder (or the one file named), by name."""
    files = [folder] if folder.is_file() else sorted(folder.glob("*.toml"), key=lambda file: by_number(file.name))
    if not files:
        raise SceneError(
            f"There is no scene (*.toml) in {folder}. Name a folder of scenes, or one scene, with --scenes."
        )
    scenes: dict[str, Scene] = {}
    for file in files:
        scenes[file.stem] = read_scene(file, scenes)
    return scenes


def needed_for(scene: Scene, scenes: dict[str, Scene]) -> list[Scene]:
    """List the scenes that must be played before one, the first one first."""
    if not scene.continues:
        return []
    earlier = scenes[scene.continues]
    return [*needed_for(earlier, scenes), earlier]
