"""Generates the Python package `groupbuy` in gen/ from proto/, with types for mypy.

The package can be imported and shipped: each folder has an `__init__.py`, `py.typed` marks it as typed, and the tables
of proto/ lie beside it: `importlib.resources.files("groupbuy") / "topics.toml"`. The names of proto/reasons.toml are a
type besides, in groupbuy/reasons.py; each public service has an OpenAPI document beside its code. The new tree replaces
the old one only when it is complete. Nothing happens while sources, generator and protoc are what they were last time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
GEN = ROOT / "gen"
TARGET = GEN / "groupbuy"
TYPESCRIPT = ROOT / "clients" / "typescript" / "src" / "generated"
STAMP = GEN / ".generated-from"
REASONS = PROTO / "reasons.toml"
DESCRIBE = [
    ROOT / "tools" / f"{name}.py" for name in ("describe", "descriptors", "openapi", "rpc_reasons", "typescript")
]
DESCRIPTORS = "groupbuy.binpb"
PLUGINS = ("grpcio-tools", "mypy-protobuf")
# google/protobuf comes with protoc, google/rpc with googleapis-common-protos.
INCLUDES = (Path(grpc_tools.__file__).parent / "_proto", Path(sysconfig.get_path("purelib")))

REASONS_MODULE = '''\
"""Generated from proto/reasons.toml: do not edit."""

from typing import Final, Literal, TypeAlias, get_args

ReasonName: TypeAlias = Literal[
{names}
]
BY_NAME: Final[dict[str, ReasonName]] = {{name: name for name in get_args(ReasonName)}}
'''


class GenerationError(Exception):
    """The sources cannot be turned into code; protoc has printed file and line, or the text says them."""


def main() -> int:
    """Generate if needed; 0 when the package stands, 1 when protoc refused a source."""
    GEN.mkdir(exist_ok=True)
    with (GEN / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            generate()
        except GenerationError as problem:
            print(f"generate: {problem}", file=sys.stderr)
            return 1
    return 0


def generate() -> None:
    """Bring gen/groupbuy up to date with proto/."""
    fingerprint = fingerprint_of_sources()
    has_clients = TYPESCRIPT.exists() or not TYPESCRIPT.parent.exists()
    if has_clients and TARGET.exists() and STAMP.exists() and STAMP.read_text() == fingerprint:
        return
    with tempfile.TemporaryDirectory(dir=GEN, prefix=".new-") as folder:
        fresh = Path(folder) / "groupbuy"
        fresh.mkdir()
        compile_protos(Path(folder))
        make_package(fresh)
        describe(Path(folder) / DESCRIPTORS, fresh)
        (fresh / "reasons.py").write_text(names_of_reasons())
        fresh.chmod(0o755)
        replace(fresh, Path(folder) / "old")
        STAMP.write_text(fingerprint)
    print(f"generated gen/groupbuy from {len(protos())} protos")


def protos() -> list[Path]:
    """Return every proto, in a stable order."""
    return sorted(PROTO.rglob("*.proto"))


def tables() -> list[Path]:
    """Return what proto/ holds as data: topics, reasons of refusals, the policy of clients."""
    return sorted([*PROTO.glob("*.toml"), *PROTO.glob("*.json")])


def fingerprint_of_sources() -> str:
    """Return a digest of all that decides the generated code."""
    seen = hashlib.sha256()
    for plugin in PLUGINS:
        seen.update(f"{plugin} {version(plugin)}\n".encode())
    for path in [Path(__file__), ROOT / "pyproject.toml", *DESCRIBE, *protos(), *tables()]:
        seen.update(f"{path.relative_to(ROOT)}\n".encode())
        seen.update(path.read_bytes())
    return seen.hexdigest()


def compile_protos(out: Path) -> None:
    """Run protoc for all protos at once, with messages, gRPC and the types of both."""
    sources = [str(path) for path in protos()]
    if not sources:
        return
    use_plugins_of_this_environment()
    arguments = [
        "protoc",
        f"--proto_path={PROTO}",
        *(f"--proto_path={path}" for path in INCLUDES),
        *(f"--{kind}_out={out}" for kind in ("python", "grpc_python")),
        *(f"--{kind}_out=quiet:{out}" for kind in ("mypy", "mypy_grpc")),
        f"--descriptor_set_out={out / DESCRIPTORS}",
        "--include_source_info",
        "--include_imports",
    ]
    if protoc.main([*arguments, *sources]) != 0:
        message = "protoc refused a source, see above"
        raise GenerationError(message)


def use_plugins_of_this_environment() -> None:
    """Let protoc find the plugins of mypy-protobuf, also where the environment is not activated."""
    scripts = sysconfig.get_path("scripts")
    os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])


def make_package(package: Path) -> None:
    """Turn the generated modules into a typed package that carries the tables."""
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (folder / "__init__.py").write_text('"""Generated from proto/: do not edit."""\n')
    (package / "py.typed").touch()
    for table in tables():
        shutil.copyfile(table, package / table.name)


def describe(descriptors: Path, package: Path) -> None:
    """Write what is made from descriptors, by a program of its own: it stands on modules beside this file."""
    # an archive for a wheel has no clients in it
    clients = [str(TYPESCRIPT)] if TYPESCRIPT.parent.exists() else []
    command = [sys.executable, "-m", "tools.describe", str(descriptors), str(package), *clients]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        message = "the protos cannot be described, see above"
        raise GenerationError(message)


def names_of_reasons() -> str:
    """Write a module with the names of the refusals as a type, so that mypy refuses one that is not there."""
    try:
        names = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as problem:
        message = f"{REASONS.relative_to(ROOT)} is not TOML: {problem}"
        raise GenerationError(message) from None
    return REASONS_MODULE.format(names="\n".join(f'    "{name}",' for name in names))


def replace(fresh: Path, old: Path) -> None:
    """Put the fresh package in the place of the old one."""
    if TARGET.exists():
        TARGET.rename(old)
    fresh.rename(TARGET)


if __name__ == "__main__":
    sys.exit(main())
