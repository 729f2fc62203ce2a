"""The jars of Apache Kafka: whether they can be had on this machine, and fetching them once through Maven."""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.errors import LocalError

POM = Path(__file__).with_name("pom.xml")
OLDEST_JAVA = 17
NEEDS_JAVA = f"Install Java {OLDEST_JAVA} or newer, so that `java` is on the PATH."
NEEDS_MAVEN = "Install Maven, so that `mvn` is on the PATH: it fetches Apache Kafka."


def version() -> str:
    """The release of Apache Kafka that the POM names."""
    return POM.read_text().partition("<kafka.version>")[2].partition("</kafka.version>")[0]


def default_cache() -> Path:
    """Where the jars are kept for all clones of one user: `groupbuy/kafka-<version>` under the XDG cache directory."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "groupbuy" / f"kafka-{version()}"


def available() -> str | None:
    """Why Apache Kafka cannot be had here, with the remedy; None when it can."""
    java = shutil.which("java")
    if java is None:
        return f"Apache Kafka cannot run: there is no Java. {NEEDS_JAVA}"
    major = _java_major(java)
    if major < OLDEST_JAVA:
        return f"Apache Kafka cannot run: {java} is version {major}. {NEEDS_JAVA}"
    if not _fetched(default_cache()) and shutil.which("mvn") is None:
        return f"Apache Kafka cannot be fetched: there is no Maven. {NEEDS_MAVEN}"
    return None


def _java_major(java: str) -> int:
    """The major version of a `java` program; 0 when it does not say one."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else 0


def _fetched(cache: Path) -> bool:
    return any(cache.glob("kafka_*.jar"))


async def fetch(cache: Path) -> Path:
    """The directory of the jars, fetched into `cache` unless they are there already (55 MB).

    Raises LocalError when Maven is missing or cannot reach its repository.
    """
    if not _fetched(cache):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.parent, prefix=f".{cache.name}-") as scratch:
            shutil.copy(POM, scratch)
            await _run_maven(Path(scratch))
            _publish(Path(scratch) / "libs", cache)
    return cache


async def _run_maven(scratch: Path) -> None:
    command = ("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs", "-DincludeScope=runtime")
    try:
        maven = await asyncio.create_subprocess_exec(
            *command,
            cwd=scratch,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except FileNotFoundError:
        raise LocalError("Apache Kafka cannot be fetched: there is no Maven.", NEEDS_MAVEN) from None
    output, _ = await maven.communicate()
    if maven.returncode:
        errors = [line for line in output.decode(errors="replace").splitlines() if "ERROR" in line]
        problem = "\n".join(["Maven could not fetch Apache Kafka.", *errors[:5]])
        raise LocalError(problem, "See that its repository can be reached, then try again.")


def _publish(fetched: Path, cache: Path) -> None:
    """Put a complete directory in place in one step: another process may have been quicker, and then its copy stays."""
    try:
        fetched.rename(cache)
    except OSError:
        if not _fetched(cache):
            raise
