"""Checks the manifests without a cluster: by the schemas of each supported Kubernetes, and by what schemas cannot know.

    python -m tools.manifests             renders and checks every overlay
    python -m tools.manifests FILE...     checks files that are rendered already
    python -m tools.manifests --crds FOLDER [FILE...]    besides by the definitions of other kinds that lie there

`kustomize` renders; GROUPBUY_KUSTOMIZE names its program where it is not on the PATH. Rules: manifest_rules.py.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import kubernetes_validate
import yaml

from tools.manifest_crds import by_definitions, read_definitions
from tools.manifest_rules import RULES

Manifest: TypeAlias = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
KUBERNETES = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.33", "1.34", "1.35")
"""Supported: the sleep before TERM is on by default since 1.30, and each minor version is mended for a year."""
OVERLAYS = (
    "local/prepare",
    "local",
    "production/prepare",
    "production",
    "production+ingress",
    "example/prepare",
    "example",
)
"""With what stands after a plus: a component that the overlay does not have by itself."""
FOREIGN = (
    "kafka.strimzi.io/",
    "postgresql.cnpg.io/",
    "keda.sh/",
    "gateway.networking.k8s.io/",
    "monitoring.coreos.com/",
)
"""Kinds that other people's controllers define: their fields are checked by rules of ours, and by --crds."""


class NoKustomizeError(Exception):
    """There is nothing that renders."""


def main(arguments: list[str]) -> int:
    """Check; 0 where nothing is wrong, 1 with a line for each problem, 2 where nothing can be rendered."""
    parser = argparse.ArgumentParser(prog="python -m tools.manifests")
    parser.add_argument("--crds", type=Path, metavar="FOLDER", help="where definitions of other people's kinds lie")
    parser.add_argument("files", nargs="*", metavar="FILE", help="manifests that are rendered already")
    asked = parser.parse_args(arguments)
    schemas = read_definitions(asked.crds) if asked.crds else {}
    try:
        sets = {name: read(Path(name).read_text()) for name in asked.files} or {name: render(name) for name in OVERLAYS}
    except NoKustomizeError as error:
        print(f"make k8s-check: {error}", file=sys.stderr)
        return 2
    problems = [
        f"{name}: {problem}"
        for name, manifests in sets.items()
        for problem in (*check(manifests), *by_definitions(manifests, schemas))
    ]
    objects = sum(map(len, sets.values()))
    print("\n".join(problems) or f"{objects} objects of {len(sets)} sets are right for {', '.join(VERSIONS)}")
    return 1 if problems else 0


def program() -> str | None:
    """Find what renders."""
    return os.environ.get("GROUPBUY_KUSTOMIZE") or shutil.which("kustomize")


def render(overlay: str) -> list[Manifest]:
    """Render an overlay by its name, with a component where one is named besides."""
    kustomize = program()
    if not kustomize:
        raise NoKustomizeError(
            "there is no kustomize: go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.2, or set GROUPBUY_KUSTOMIZE"
        )
    base, _, component = overlay.partition("+")
    with tempfile.TemporaryDirectory() as folder:
        # kustomize takes folders anywhere, by a path that begins here
        parts = [KUBERNETES / "overlays" / base, *([KUBERNETES / "components" / component] if component else [])]
        found, *more = [os.path.relpath(path, Path(folder).resolve()) for path in parts]
        wish = {"kind": "Kustomization", "resources": [found], "components": more}
        Path(folder, "kustomization.yaml").write_text(yaml.safe_dump(wish))
        done = subprocess.run([kustomize, "build", folder], check=False, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"{overlay} cannot be rendered: {done.stderr.strip()}")
    return read(done.stdout)


def read(text: str) -> list[Manifest]:
    """Read a stream of manifests."""
    return [item for item in yaml.safe_load_all(text) if item]


def check(manifests: list[Manifest]) -> Iterator[str]:
    """List what is wrong with manifests that are applied together."""
    for item in manifests:
        yield from by_schema(item)
    for rule in RULES:
        yield from rule(manifests)


def by_schema(item: Manifest) -> Iterator[str]:
    """List what the schemas of the supported versions refuse."""
    yield from _by_schema(json.dumps(item, sort_keys=True))


@cache
def _by_schema(text: str) -> tuple[str, ...]:
    """The same for an object as text: most overlays have most objects in common."""
    return tuple(_refusals(json.loads(text)))


def _refusals(item: Manifest) -> Iterator[str]:
    if str(item.get("apiVersion", "")).startswith(FOREIGN):
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{item.get('kind')} {item.get('metadata', {}).get('name')}: {error.message} (Kubernetes {version})"
        except (kubernetes_validate.InvalidSchemaError, kubernetes_validate.SchemaNotFoundError):
            yield f"Kubernetes {version} has no {item.get('kind')} of {item.get('apiVersion')}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
