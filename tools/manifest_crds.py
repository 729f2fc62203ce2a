"""Checks objects of other people's controllers by the definitions of these, strictly, where they lie in a folder.

They are too large to be kept here, and each installation has its own: `kubectl get crd -o yaml > FOLDER/crds.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import jsonschema
import yaml

from tools.manifest_objects import Manifest, named

Schemas: TypeAlias = Mapping[tuple[str, str], Manifest]
"""Strict schemas by version and kind."""


def read_definitions(folder: Path) -> Schemas:
    """Read every definition in the YAML files of a folder."""
    return {
        (f"{item['spec']['group']}/{version['name']}", item["spec"]["names"]["kind"]): _of_object(version)
        for path in sorted(folder.glob("*.yaml"))
        for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        for item in (one or {}).get("items", [one])
        if item and item["kind"] == "CustomResourceDefinition"
        for version in item["spec"]["versions"]
    }


def by_definitions(manifests: list[Manifest], schemas: Schemas) -> Iterator[str]:
    """List what the definitions refuse; what has none is not looked at."""
    for item in manifests:
        schema = schemas.get((item["apiVersion"], item["kind"]))
        for error in jsonschema.Draft7Validator(schema).iter_errors(item) if schema else ():
            place = ".".join(map(str, error.absolute_path))
            yield f"{named(item)}: {place}: {error.message}"


def _of_object(version: Manifest) -> Manifest:
    schema = strict(version["schema"]["openAPIV3Schema"])
    return {**schema, "properties": {**schema["properties"], "apiVersion": {}, "kind": {}, "metadata": {}}}


def strict(schema: Manifest) -> Manifest:
    """Make a schema refuse fields that it does not name, as the API server does with --validate=strict."""
    if schema.get("x-kubernetes-int-or-string"):
        return {}
    made = {name: value for name, value in schema.items() if name != "format"}
    if "properties" in made:
        made["properties"] = {name: strict(value) for name, value in made["properties"].items()}
        if not made.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = strict(made[name])
    return made
