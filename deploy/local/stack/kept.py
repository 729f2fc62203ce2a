"""What a stack keeps from one `up` to the next: ports, secrets, the demo platforms and their keys."""

import base64
import dataclasses
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from deploy.local.errors import LocalError
from deploy.local.files import write_private


@dataclass(frozen=True)
class Kept:
    """The content of stack.json. `platforms` gives the demo platform's id, API key and test key in each world.

    layout.py says what a world is. One of before 0.2.0 has no test key.
    """

    service_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    invite_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    quote_keys: str = field(default_factory=lambda: f"local:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    handover_keys: str = field(default_factory=lambda: f"local:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    seal_keys: str = field(default_factory=lambda: f"local:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    ports: dict[str, int] = field(default_factory=dict)
    platforms: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read `path`; new secrets and nothing else if there is none; LocalError if it is damaged."""
        if not path.exists():
            return cls()
        try:
            return cls(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise LocalError(
                f"{path} is damaged: {error}.", "Mend it, or move it away: secrets and the demo key are then made anew."
            ) from None

    def save(self, path: Path) -> None:
        """Write this to `path`, readable by us alone."""
        write_private(path, json.dumps(dataclasses.asdict(self), indent=2) + "\n")
