"""The packages of the clients are what a shop can install: all that is needed in them, one version, no more."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.clients import PYTHON, ROOT, TYPESCRIPT, wheel

ENGINE = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CLIENT = tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]
NPM = json.loads((TYPESCRIPT / "package.json").read_text())
PROGRAM = """
import groupbuy_client, groupbuy, groupbuy_client.handover
from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc as calls
assert all(".whl" in module.__file__ for module in (groupbuy_client, groupbuy, calls))
assert "UNAVAILABLE" in groupbuy_client.service_config()
assert groupbuy_client.reasons()["TEAM_FULL"].retry == "after"
"""


def test_the_clients_have_the_engines_version() -> None:
    assert {CLIENT["version"], NPM["version"]} == {ENGINE["version"]}


def test_the_client_needs_no_more_than_the_engine_does() -> None:
    names = {item.partition("~")[0].partition(">")[0] for item in CLIENT["dependencies"]}
    assert names <= {item.partition("~")[0].partition(">")[0] for item in ENGINE["dependencies"]}
    assert "dependencies" not in NPM


def test_the_wheel_works_by_itself(tmp_path: Path) -> None:
    wheel(tmp_path)
    [built] = tmp_path.glob("*.whl")
    environment = {**os.environ, "PYTHONPATH": str(built)}
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, check=True)
