"""Scenes: files in TOML that tell the demo what to play (docs/scenes.md)."""

from deploy.demo.scene.library import OURS, needed_for, read_scenes
from deploy.demo.scene.model import Scene
from deploy.demo.scene.parse import read_scene

__all__ = ["OURS", "Scene", "needed_for", "read_scene", "read_scenes"]
