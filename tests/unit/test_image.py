"""Two builds of one image are the same, and where they are not, a message names in what."""

import io
import json
import py_compile
import tarfile
from collections.abc import Callable
from hashlib import sha256
from os import utime
from pathlib import Path
from typing import Any

import pytest

from deploy.image import finish
from tools import image
from tools.image_archive import differences

Files = dict[str, tarfile.TarInfo]


def test_what_was_compiled_before_at_another_time_is_compiled_again(tmp_path: Path) -> None:
    compiled = []
    for time in (1_000_000_000, 1_100_000_000):
        source = tmp_path / str(time) / "lib" / "imported_by_pip.py"
        source.parent.mkdir(parents=True)
        source.write_text("CENTS = 100\n")
        utime(source, (time, time))
        left = Path(py_compile.compile(str(source), dfile="same.py") or "")
        assert left.exists()
        finish.main(tmp_path / str(time))
        compiled.append(left.read_bytes()[:16])
    assert compiled[0] == compiled[1]
    assert compiled[0][4] == 0b01, "by the source's hash, and not checked"


def test_two_images_that_are_the_same_differ_in_nothing(tmp_path: Path) -> None:
    assert differences(archive(tmp_path / "1.tar"), archive(tmp_path / "2.tar")) == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda files: set_fact(files["opt/b"], mtime=7), "layer 1: opt/b, time"),
        (lambda files: set_fact(files["opt/b"], mode=0o600, uid=7), "layer 1: opt/b, mode and owner"),
        (lambda files: set_fact(files["opt/b"], size=0), "layer 1: opt/b, content"),
        (lambda files: set_fact(files["opt/b"], pax_headers={"SCHILY.xattr.user.a": "1"}), "layer 1: opt/b, extended"),
        (lambda files: files.pop("opt/b"), "layer 1: opt/b, only in the first"),
        (lambda files: files.update({"opt/a": files.pop("opt/a")}), "layer 1: the order of its files"),
    ],
)
def test_what_differs_between_files_is_named(tmp_path: Path, change: Callable[[Files], object], named: str) -> None:
    files = two_files()
    change(files)
    assert differences(archive(tmp_path / "1.tar"), archive(tmp_path / "2.tar", files)) == named


def test_what_differs_beside_the_files_is_named(tmp_path: Path) -> None:
    usual = archive(tmp_path / "1.tar")
    assert differences(usual, archive(tmp_path / "2.tar", created="2027")) == "configuration: created"
    assert differences(usual, archive(tmp_path / "2.tar", base="other")) == "manifest: annotations"
    assert (
        differences(usual, archive(tmp_path / "2.tar", mode="w:gz")) == "layer 1: how it is packed, with the same files"
    )
    assert differences(usual, archive(tmp_path / "2.tar", layers=2)) == "layer 2: only in the second"
    assert differences(archive(tmp_path / "2.tar", layers=2), usual) == "layer 2: only in the first"


def test_a_message_names_twenty_differences_and_counts_the_rest(tmp_path: Path) -> None:
    many = two_files() | {f"opt/c{number}": described(f"opt/c{number}") for number in range(30)}
    told = differences(archive(tmp_path / "1.tar"), archive(tmp_path / "2.tar", many)).splitlines()
    assert len(told) == 21
    assert told[-1] == "and 10 more"


def test_the_commit_is_marked_where_the_image_is_made_from_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "ROOT", tmp_path)
    (tmp_path / "services").mkdir()
    (tmp_path / ".containerignore").write_text("*\n!services\n")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    image.output("git", "init", "--quiet")
    image.output("git", "add", ".containerignore")
    image.output("git", *author, "commit", "--quiet", "--message", "begin")
    (tmp_path / "note.txt").touch()
    commit = image.output("git", "rev-parse", "HEAD")
    assert image.revision() == commit
    (tmp_path / "services" / "new.py").touch()
    assert image.revision() == f"{commit}-changed"


def two_files() -> Files:
    return {name: described(name) for name in ("opt/a", "opt/b")}


def described(name: str) -> tarfile.TarInfo:
    return set_fact(tarfile.TarInfo(name), size=len(name), mtime=1)


def set_fact(item: tarfile.TarInfo, **facts: Any) -> tarfile.TarInfo:
    for name, value in facts.items():
        setattr(item, name, value)
    return item


def archive(
    target: Path,
    files: Files | None = None,
    *,
    created: str = "2026",
    base: str = "debian",
    mode: str = "w",
    layers: int = 1,
) -> Path:
    """Write an archive of an image with the same layer once or more often."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode=mode) as packed:  # type: ignore[call-overload]
        for name, item in (two_files() if files is None else files).items():
            packed.addfile(item, io.BytesIO(name.encode()))
    with tarfile.open(target, "w") as whole:
        laid = [put(whole, layer.getvalue())] * layers
        config = put(whole, json.dumps({"created": created, "rootfs": laid}).encode())
        manifest = {"config": config, "layers": laid, "annotations": {"base": base}}
        add(whole, "index.json", json.dumps({"manifests": [put(whole, json.dumps(manifest).encode())]}).encode())
    return target


def put(whole: tarfile.TarFile, content: bytes) -> dict[str, str]:
    digest = sha256(content).hexdigest()
    add(whole, f"blobs/sha256/{digest}", content)
    return {"digest": f"sha256:{digest}"}


def add(whole: tarfile.TarFile, name: str, content: bytes) -> None:
    whole.addfile(set_fact(tarfile.TarInfo(name), size=len(content)), io.BytesIO(content))
