"""Generates the protobuf code when a wheel is built, so that the wheel carries it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class GenerateCode(BuildHookInterface[Any]):
    """The build hook named in pyproject.toml; it runs before a wheel or an editable install is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Generate, or raise CalledProcessError after protoc has named file and line."""
        if self.target_name == "wheel":
            subprocess.run([sys.executable, str(Path(self.root) / "tools" / "generate.py")], check=True)
