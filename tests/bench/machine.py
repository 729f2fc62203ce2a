"""What was measured on what: the commit, the machine, the versions."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil
import psycopg

from deploy.local.kafka.jars import version as kafka_version
from tests.bench.paths import ROOT

_PACKAGES = ("grpcio", "protobuf", "psycopg", "kafka-python", "uvloop")


def commit() -> str:
    """The commit, with "-dirty" where files differ from it; "unknown" outside a clone."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else "unknown"


def machine() -> dict[str, str | int]:
    """The machine's processor, memory and system."""
    return {
        "processor": _processor(),
        "processors": os.cpu_count() or 0,
        "memory_mib": psutil.virtual_memory().total // 2**20,
        "system": f"{platform.system()} {platform.release()}",
    }


async def versions(database_url: str) -> dict[str, str]:
    """The versions of what a join passes through."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        row = await (await connection.execute("SHOW server_version")).fetchone()
    packages = {name: version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        "postgresql": str(row[0]) if row else "",
        "kafka": kafka_version(),
        **packages,
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo")
    if lines.exists():
        for line in lines.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
