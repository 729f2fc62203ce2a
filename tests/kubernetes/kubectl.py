"""kubectl, as an administrator uses it."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.kubernetes.errors import ClusterError


class Kubectl:
    """Calls kubectl with one cluster's credentials."""

    def __init__(self, program: str, config: Path, namespace: str = "") -> None:
        self._program = program
        self._config = config
        self.namespace = namespace

    def of(self, namespace: str) -> "Kubectl":
        """Give the same for another namespace."""
        return Kubectl(self._program, self._config, namespace)

    async def __call__(self, *words: str, given: str = "") -> str:
        """Give what it prints; ClusterError with what it complains of."""
        code, said, complained = await self.attempt(*words, given=given)
        if code != 0:
            raise ClusterError(f"kubectl {' '.join(words)}: {complained.strip()}")
        return said

    async def attempt(self, *words: str, given: str = "") -> tuple[int, str, str]:
        """Give exit code, output and complaints."""
        own = {"kubeconfig": self._config, "cache-dir": self._config.parent / "kubectl", "namespace": self.namespace}
        command = [self._program, *(f"--{flag}={value}" for flag, value in own.items() if value), *words]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        said, complained = await process.communicate(given.encode())
        return process.returncode or 0, said.decode(), complained.decode()

    async def objects(self, kind: str, *words: str) -> list[dict[str, Any]]:
        """List objects of a kind, or of several with commas between them."""
        listed: dict[str, Any] = json.loads(await self("get", kind, "--output=json", *words))
        found: list[dict[str, Any]] = listed.get("items", [listed])
        return found

    async def object(self, kind: str, name: str) -> dict[str, Any]:
        """Give one object."""
        return (await self.objects(kind, name))[0]

    async def patch(self, kind: str, name: str, changes: Sequence[dict[str, Any]]) -> None:
        """Change an object by JSON Patch."""
        await self("patch", kind, name, "--type=json", f"--patch={json.dumps(changes)}")

    async def rolled_out(self, kind: str, name: str, seconds: int = 300) -> None:
        """Wait until an update is complete."""
        await self("rollout", "status", f"{kind}/{name}", f"--timeout={seconds}s")
