"""Writes the bill of materials of what ships, as CycloneDX JSON, from the lock and the table of licences.

    python3 -m tools.sbom [FILE]      build/sbom.json where no file is named

What ships is our own code, the packages of requirements/runtime.lock and the fonts. What npm and Maven bring (buf,
Apache Kafka) serves lint, tests and a local stack, and is not part of it. The same commit gives the same file. It is
checked against the schema by CycloneDX's own library before it is written.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

from tools import supply

Json: TypeAlias = dict[str, Any]

SPEC = "1.6"
_CHECK = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(str(problem) if problem else 0)
"""


def main(arguments: list[str]) -> int:
    """Write the file; 1 with a sentence where something is not known or not right."""
    target = Path(arguments[0]) if arguments else supply.ROOT / "build" / "sbom.json"
    locked, licences = supply.read_lock(), supply.read_licences()
    problems = list(licences.problems(locked))
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    text = json.dumps(bill(locked, licences), indent=2) + "\n"
    checked = subprocess.run([str(supply.environment()), "-c", _CHECK], input=text, text=True, check=False)
    if checked.returncode:
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    files = sum(len(item.hashes) for item in locked)
    print(f"{target}: CycloneDX {SPEC}, {len(locked)} packages with {files} hashes, {len(licences.files)} fonts")
    return 0


def bill(locked: list[supply.Locked], licences: supply.Licences) -> Json:
    """Put the bill of materials together."""
    project = tomllib.loads((supply.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    root = f"pkg:pypi/{project['name']}@{project['version']}"
    components = [_package(item, licences.packages[item.name]) for item in locked]
    components += [_file(path, licence) for path, licence in sorted(licences.files.items())]
    document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"expression": project["license"]}],
                "purl": root,
            }
        },
        "components": components,
        "dependencies": [
            {"ref": root, "dependsOn": [item["bom-ref"] for item in components]},
            *({"ref": item["bom-ref"]} for item in components),
        ],
    }
    return _numbered(document)


def with_debian(document: Json, files: list[str]) -> Json:
    """Add Debian's packages, which the base of an image is made of, by the names of their files."""
    packages = [_debian(name) for name in sorted(files)]
    components = [*document["components"], *packages]
    first, *others = document["dependencies"]
    first = {**first, "dependsOn": [item["bom-ref"] for item in components]}
    others += [{"ref": item["bom-ref"]} for item in packages]
    return _numbered({**document, "components": components, "dependencies": [first, *others]})


def _debian(file: str) -> Json:
    name, edition, machine = unquote(file).removesuffix(".deb").split("_")
    purl = f"pkg:deb/debian/{name}@{quote(edition, safe='.~')}?arch={machine}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": edition, "scope": "required", "purl": purl}


def _numbered(document: Json) -> Json:
    content = json.dumps({**document, "serialNumber": None}, sort_keys=True)
    return {**document, "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, content).urn}


def _package(item: supply.Locked, licence: str) -> Json:
    purl = f"pkg:pypi/{item.name}@{item.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": item.name,
        "version": item.version,
        "scope": "optional" if item.marker else "required",
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in item.hashes],
        "licenses": [{"expression": licence}],
        "purl": purl,
        "properties": [
            {"name": "groupbuy:hashes", "value": "of each file that the lock allows: source and wheels"},
            *([{"name": "groupbuy:installed-where", "value": item.marker}] if item.marker else []),
        ],
    }


def _file(path: str, licence: str) -> Json:
    digest = hashlib.sha256((supply.ROOT / path).read_bytes()).hexdigest()
    return {
        "type": "file",
        "bom-ref": path,
        "name": path,
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "licenses": [{"expression": licence}],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
