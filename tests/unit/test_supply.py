"""What ships is known, with its licences, in a bill of materials; and an audit that could not look is no pass."""

import json
import re
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import pytest

from tools import audit, sbom, supply

HINTS = {
    "Apache-2.0": "apache",
    "BSD-2-Clause": "bsd",
    "BSD-3-Clause": "bsd",
    "LGPL-2.1-or-later": "lgpl|lesser general public",
    "LGPL-3.0-only": "lgpl|lesser general public",
    "LicenseRef-Repoze": "repoze",
    "MIT": "mit",
    "MIT-0": "mit-0",
    "MIT-CMU": "mit-cmu",
    "PSF-2.0": "psf|python software foundation",
}
"""What a package says of itself where a licence is meant."""


def test_the_licence_of_everything_that_ships_is_known_and_allowed() -> None:
    locked, licences = supply.read_lock(), supply.read_licences()
    assert len(locked) >= 60
    assert all(item.hashes for item in locked)
    assert list(licences.problems(locked)) == []


def test_a_licence_is_what_the_package_says_of_itself() -> None:
    licences = supply.read_licences()
    seen = 0
    for item in supply.read_lock():
        try:
            said = metadata(item.name)
        except PackageNotFoundError:
            assert item.marker, f"{item.name} is not installed, and nothing says that it need not be"
            continue
        seen += 1
        written = said.json.get("license_expression")
        known = licences.packages[item.name]
        if written:
            assert written == known, item.name
            continue
        texts = " ".join([str(said.json.get("license", "")), *said.get_all("Classifier", [])]).lower()
        for part in re.split(" OR | AND ", known):
            assert re.search(HINTS[part], texts), f"{item.name} says {texts:.200}, the table says {known}"
    assert seen >= 60


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"packages": {"click": "GPL-3.0-only"}}, "click is under GPL-3.0-only"),
        ({"packages": {"click": "MIT AND GPL-3.0-only"}}, "not allowed"),
        ({"packages": {}}, "click 8.3.3 has no licence"),
        ({"packages": {"click": "MIT", "gone": "MIT"}}, "gone is in licences.toml"),
        ({"exceptions": {"click": "why"}, "packages": {"click": "MIT"}}, "click needs no exception"),
    ],
)
def test_what_is_unknown_forbidden_or_gone_is_told(changes: dict[str, Any], said: str) -> None:
    known = supply.Licences(frozenset({"MIT"}), {}, {"click": "MIT"}, {})
    locked = [supply.Locked("click", "8.3.3", hashes=["0" * 64])]
    assert list(known.problems(locked)) == []
    [problem] = replace(known, **changes).problems(locked)
    assert said in problem


def test_a_choice_of_licences_is_allowed_where_one_of_them_is() -> None:
    known = supply.Licences(frozenset({"MIT", "Apache-2.0"}), {}, {}, {})
    assert known.allows("GPL-3.0-only OR MIT")
    assert known.allows("Apache-2.0 AND MIT")
    assert not known.allows("GPL-3.0-only AND MIT")


def test_every_font_has_a_licence() -> None:
    fonts = {str(path.relative_to(supply.ROOT)) for path in (supply.ROOT / "services").rglob("*.ttf")}
    assert set(supply.read_licences().files) == fonts


def test_the_bill_of_materials_lists_what_the_lock_has() -> None:
    locked, licences = supply.read_lock(), supply.read_licences()
    document = sbom.bill(locked, licences)
    packages = [item for item in document["components"] if item["type"] == "library"]
    assert [(item["name"], item["version"]) for item in packages] == [(item.name, item.version) for item in locked]
    assert [len(item["hashes"]) for item in packages] == [len(item.hashes) for item in locked]
    assert all(item["licenses"] and item["purl"] == f"pkg:pypi/{item['name']}@{item['version']}" for item in packages)
    assert json.dumps(document) == json.dumps(sbom.bill(locked, licences))
    assert document["dependencies"][0]["dependsOn"] == [item["bom-ref"] for item in document["components"]]


def test_a_line_of_a_lock_that_is_no_pin_stops_the_tools(tmp_path: Path) -> None:
    lock = tmp_path / "runtime.lock"
    lock.write_text("click>=8\n")
    with pytest.raises(ValueError, match="no pin and no hash"):
        supply.read_lock(lock)


CLEAN = {"name": "click", "version": "8.3.3", "vulns": []}
BAD = {"name": "click", "version": "8.3.3", "vulns": [{"id": "PYSEC-1", "fix_versions": ["9"]}]}
SKIPPED = {"name": "click", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    ("output", "code", "said"),
    [
        (json.dumps({"dependencies": [CLEAN]}), audit.CLEAN, "1 packages looked up, no known vulnerability"),
        (json.dumps({"dependencies": [CLEAN, BAD]}), audit.VULNERABLE, "PYSEC-1, fixed in 9"),
        (json.dumps({"dependencies": [CLEAN, SKIPPED]}), audit.NOT_AUDITED, "NOT AUDITED: 1 packages could not"),
        (json.dumps({"dependencies": []}), audit.NOT_AUDITED, "NOT AUDITED"),
        ("", audit.NOT_AUDITED, "NOT AUDITED: no route"),
        ("{}", audit.NOT_AUDITED, "NOT AUDITED"),
    ],
)
def test_an_audit_that_could_not_look_is_no_pass(output: str, code: int, said: str) -> None:
    found = audit.read(output, "trace\nno route")
    assert found.code == code
    assert said in audit.told(supply.LOCK, "pypi", found)
