"""Where things lie in a stack's data directory."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.errors import LocalError
from deploy.local.stack.options import StackOptions


@dataclass(frozen=True)
class Layout:
    """Paths below `data`; `world` names the pair of servers whose data belong together.

    Positions in Kafka and rows in PostgreSQL describe each other, so each pair has a folder of its own: switching from
    the local broker to Apache Kafka and back finds each time what belongs together.
    """

    data: Path
    world: str

    @classmethod
    def of(cls, options: StackOptions) -> "Layout":
        """The layout for `options`."""
        parts = [f"kafka-{options.bootstrap}" if options.bootstrap else options.kafka]
        if options.database_url:
            parts.append(f"database-{urlsplit(options.database_url).netloc.rpartition('@')[2]}")
        return cls(options.data.expanduser().absolute(), re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(parts)))

    def make(self) -> None:
        """Make the folders that are ours; PostgreSQL sees to its own. LocalError if we may not write there."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            for private in (self.kafka, self.log("any").parent):
                private.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=self.data):
                pass
        except OSError as error:
            raise LocalError(
                f"The data directory {self.data} cannot be used: {error.strerror}.",
                "Choose a folder that you may write to: --data DIR, or the variable GROUPBUY_DATA.",
            ) from None

    @property
    def kept(self) -> Path:
        """Ports, secrets, keys."""
        return self.data / "stack.json"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.data / self.world / "postgres"

    @property
    def kafka(self) -> Path:
        """The broker's data."""
        return self.data / self.world / "kafka"

    @property
    def demand(self) -> Path:
        """What the demand worker keeps: a copy of what is in Kafka."""
        return self.data / self.world / "demand"

    def log(self, part: str) -> Path:
        """The log of a part."""
        return log_path(self.data, part)


def lock_path(data: Path) -> Path:
    """The file that the running supervisor holds a lock on."""
    return data / "stack.lock"


def run_path(data: Path) -> Path:
    """The file in which the running supervisor says what runs."""
    return data / "run.json"


def log_path(data: Path, part: str) -> Path:
    """The log of a part."""
    return data / "logs" / f"{part}.log"
