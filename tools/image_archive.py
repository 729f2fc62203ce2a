"""Reads images in OCI archives, and names what two of them do not have in common."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

NAMED = 20
"""Differences that a message names; it counts the rest."""


@dataclass(frozen=True)
class Entry:
    """Everything that a layer says of a file or a folder."""

    kind: str
    mode: str
    owner: str
    time: float
    link: str
    extended: dict[str, str]
    content: str


@dataclass(frozen=True)
class Layer:
    """A layer as it is packed, and its files in their order."""

    digest: str
    files: dict[str, Entry]


@dataclass(frozen=True)
class Image:
    """What an image says of itself, by names, and its layers from the lowest on."""

    facts: dict[str, Any]
    layers: list[Layer]


@contextmanager
def opened(archive: Path) -> Iterator[tuple[dict[str, Any], Iterator[tuple[str, tarfile.TarFile]]]]:
    """Give what the image in an archive says of itself, and its layers from the lowest on, by their digests."""
    with tarfile.open(archive) as packed:

        def blob(digest: str) -> Any:
            return packed.extractfile("blobs/" + digest.replace(":", "/"))

        def layers() -> Iterator[tuple[str, tarfile.TarFile]]:
            for layer in manifest["layers"]:
                with tarfile.open(fileobj=blob(layer["digest"])) as files:
                    yield layer["digest"], files

        index = json.load(packed.extractfile("index.json"))  # type: ignore[arg-type]  # it is a file
        manifest = json.load(blob(index["manifests"][0]["digest"]))
        config = json.load(blob(manifest["config"]["digest"]))
        facts = {f"manifest: {key}": value for key, value in manifest.items() if key not in {"config", "layers"}}
        # rootfs repeats the layers
        facts |= {f"configuration: {key}": value for key, value in config.items() if key != "rootfs"}
        yield facts, layers()


def read(archive: Path) -> Image:
    """Read what an image says of itself, and what its layers say of each file."""
    with opened(archive) as (facts, layers):
        return Image(
            facts, [Layer(digest, {item.name: entry(files, item) for item in files}) for digest, files in layers]
        )


def unpack(archive: Path, root: Path) -> None:
    """Unpack the layers of an image on top of each other; ours remove nothing."""
    root.mkdir()
    with opened(archive) as (_, layers):
        for _, files in layers:
            files.extractall(root, filter="fully_trusted")  # noqa: S202 - what we built ourselves


def unpacked(archive: Path) -> int:
    """Add up the sizes of the files in all layers."""
    with opened(archive) as (_, layers):
        return sum(item.size for _, files in layers for item in files)


def entry(files: tarfile.TarFile, item: tarfile.TarInfo) -> Entry:
    """Describe a file of a layer; of its content, the digest."""
    content = files.extractfile(item) if item.isreg() else None
    return Entry(
        kind=item.type.decode(),
        mode=f"{item.mode:o}",
        owner=f"{item.uid}:{item.gid}",
        time=item.mtime,
        link=item.linkname,
        extended=dict(item.pax_headers),
        content=hashlib.sha256(content.read()).hexdigest() if content else "",
    )


def differences(first: Path, second: Path) -> str:
    """Name what differs between the images in two archives, a line for each thing; empty where nothing does."""
    one, other = read(first), read(second)
    found = [
        line
        for number, (before, after) in enumerate(zip_longest(one.layers, other.layers), start=1)
        for line in in_layer(f"layer {number}", before, after)
    ]
    names = sorted(one.facts.keys() | other.facts.keys())
    found += [name for name in names if one.facts.get(name) != other.facts.get(name)]
    more = [f"and {len(found) - NAMED} more"] if len(found) > NAMED else []
    return "\n".join(found[:NAMED] + more)


def in_layer(name: str, before: Layer | None, after: Layer | None) -> Iterator[str]:
    """Name the files that differ between two layers, and how; their order or packing where no file does."""
    if before is None or after is None:
        yield f"{name}: only in {'the second' if before is None else 'the first'}"
        return
    if before.digest == after.digest:
        return
    files = [f"{name}: {line}" for line in in_files(before.files, after.files)]
    if not files and list(before.files) != list(after.files):
        files = [f"{name}: the order of its files"]
    yield from files or [f"{name}: how it is packed, with the same files"]


def in_files(before: dict[str, Entry], after: dict[str, Entry]) -> Iterator[str]:
    """Name each file that differs, and in what."""
    for path in sorted(before.keys() | after.keys()):
        if path not in before or path not in after:
            yield f"{path}, only in {'the first' if path in before else 'the second'}"
        elif before[path] != after[path]:
            one, other = asdict(before[path]), asdict(after[path])
            yield f"{path}, {' and '.join(fact for fact in one if one[fact] != other[fact])}"
