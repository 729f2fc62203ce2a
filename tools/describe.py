"""Writes what is made from descriptors: python -m tools.describe DESCRIPTORS PACKAGE [TYPESCRIPT].

tools/generate.py runs it. Each public service gets an openapi.json in the folder of its package; the reasons that each
RPC names are in rpc_reasons.json; into the folder TYPESCRIPT come the types of the client of that language.
"""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from pathlib import Path

from tools.descriptors import read
from tools.openapi import document
from tools.typescript import files

ROOT = Path(__file__).resolve().parent.parent


def main(descriptors: str, package: str, typescript: str = "") -> int:
    """Write all of it: into the package `groupbuy`, and into the client of TypeScript where there is one."""
    api = read(Path(descriptors))
    reasons = tomllib.loads((ROOT / "proto" / "reasons.toml").read_text(encoding="utf-8"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    for service in api.public:
        folder = Path(package).joinpath(*service.split(".")[1:-1])
        text = json.dumps(document(api, service, reasons, version), ensure_ascii=False, indent=1)
        (folder / "openapi.json").write_text(text + "\n", encoding="utf-8")
    named = {f"{service}.{rpc}": found for service in api.public for rpc, found in api.reasons(service).items()}
    (Path(package) / "rpc_reasons.json").write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")
    if typescript:
        policy = (ROOT / "proto" / "client_policy.json").read_text(encoding="utf-8")
        shutil.rmtree(typescript, ignore_errors=True)
        Path(typescript).mkdir()
        for name, text in files(api, reasons, policy).items():
            (Path(typescript) / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
