"""Builds the image without a container engine, as root: a base of Debian's by mmdebstrap, the rest by buildah.

    python -m tools.image            build/image/groupbuy.tar (an OCI archive), its size and digest
    python -m tools.image --fresh    makes the base anew, with the packages that Debian has now
    python -m tools.image --twice    builds it twice, each time with a base made anew; names what differs

Packages come from where this machine's apt and pip get theirs; no host is named here or in the image. The files of
Python's packages are those of the locks, by their hashes. One commit with the same packages of Debian, built by the
same buildah, has one digest, in any folder and at any time: times in the image are the commit's, in the base 1980, so
that the base is the same layer for as long as Debian's packages are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools import image_archive, sbom, supply

ROOT = supply.ROOT
HERE = ROOT / "deploy" / "image"
OUT = ROOT / "build" / "image"
ARCHIVE = OUT / "groupbuy.tar"
FIRST = OUT / "first.tar"
"""Of two builds, the first one, for as long as they are compared; it stays where they differ."""
NAME = "localhost/groupbuy"
SUITE = "bookworm"
PYTHON = "3.11"
RUNTIME_PACKAGES = "python3,libstdc++6,ca-certificates"
BUILDER_PACKAGES = "python3,python3-venv,libstdc++6,dash"
BASE_TIME = 315532800
"""1980, the time of the base: of a commit it would make another base for each."""
GLIBC = 36
"""Debian 12 has glibc 2.36: wheels for this one or an older one run there."""


class ImageError(Exception):
    """What prevents the build; the text says what is missing and how to get it."""


@dataclass(frozen=True)
class Built:
    """An image in an archive."""

    digest: str
    bytes_packed: int
    bytes_unpacked: int


def main(arguments: list[str]) -> int:
    """Build; 0 with a line of figures, 1 with what is in the way."""
    parser = argparse.ArgumentParser(prog="make image")
    parser.add_argument("--fresh", action="store_true", help="make the base anew")
    parser.add_argument("--twice", action="store_true", help="build twice and compare")
    options = parser.parse_args(arguments)
    os.umask(0o022)  # the modes of files in the image are not the habit of whoever builds
    try:
        check_tools()
        make_base(fresh=options.fresh or options.twice)
        download_wheels()
        built = build()
        if options.twice:
            ARCHIVE.rename(FIRST)
            make_base(fresh=True)
            compare(built, build())
    except ImageError as problem:
        print(f"make image: {problem}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as problem:
        print(f"make image: {problem.cmd[0]} failed; its lines above say why", file=sys.stderr)
        return 1
    print(
        f"{ARCHIVE.relative_to(ROOT)}: {NAME}:{version()} {built.digest},"
        f" {built.bytes_packed / 1e6:.0f} MB packed, {built.bytes_unpacked / 1e6:.0f} MB unpacked"
    )
    return 0


def compare(first: Built, second: Built) -> None:
    """Raise ImageError with what differs between two builds of the same."""
    if first.digest != second.digest:
        raise ImageError(
            f"two builds differ: {first.digest} ({FIRST.relative_to(ROOT)}) and {second.digest}"
            f" ({ARCHIVE.relative_to(ROOT)}), in\n{image_archive.differences(FIRST, ARCHIVE)}"
        )
    FIRST.unlink()


def check_tools() -> None:
    """Raise ImageError where the machine cannot build images."""
    missing = [name for name in ("mmdebstrap", "buildah") if not shutil.which(name)]
    if missing:
        raise ImageError(
            f"{' and '.join(missing)} missing: apt-get install --no-install-recommends {' '.join(missing)}"
        )
    if os.geteuid():
        raise ImageError("only root can unpack an image's root file system; with an engine: docker build -f"
                         " deploy/image/Containerfile .")  # fmt: skip


def make_base(*, fresh: bool) -> None:
    """Make the root file systems of both stages, where they are missing or what they are made from changed."""
    OUT.mkdir(parents=True, exist_ok=True)
    hook = HERE / "base-hook.sh"
    seal = hashlib.sha256(f"{RUNTIME_PACKAGES} {BUILDER_PACKAGES} {SUITE}".encode() + hook.read_bytes()).hexdigest()
    kept = OUT / "base.seal"
    if not fresh and kept.exists() and kept.read_text() == seal:
        return
    kept.unlink(missing_ok=True)
    debs = OUT / "debs.txt"
    listing = f"--extract-hook=ls \"$1\"/var/cache/apt/archives >'{debs}'"
    debootstrap(RUNTIME_PACKAGES, OUT / "base.tar", listing, f"--extract-hook={hook}")
    debootstrap(BUILDER_PACKAGES, OUT / "builder.tar")
    kept.write_text(seal)


def debootstrap(packages: str, target: Path, *options: str) -> None:
    """Unpack Debian's packages, with those that they need, into an archive; nothing is run but the hooks."""
    log = OUT / "mmdebstrap.log"
    command = ["mmdebstrap", "--mode=root", "--variant=extract", "--format=tar", f"--include={packages}", *options]
    with log.open("w") as output:
        done = subprocess.run(
            [*command, SUITE, str(target), str(sources())],
            env={**os.environ, "LC_ALL": "C", "SOURCE_DATE_EPOCH": str(BASE_TIME)},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise ImageError(f"mmdebstrap failed, {log.relative_to(ROOT)} ends with:\n{log.read_text()[-2000:]}")


def sources() -> Path:
    """Find the file by which this machine's apt finds the packages of SUITE."""
    named = os.environ.get("GROUPBUY_APT_SOURCES")
    places = (
        [Path(named)] if named else [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    )
    for path in places:
        if (
            path.suffix in {".list", ".sources"}
            and path.is_file()
            and re.search(rf"\b{SUITE}\b(?!-)", path.read_text())
        ):
            return path
    raise ImageError(f"apt of this machine knows no packages of Debian {SUITE}: name a file of sources that does,"
                     " GROUPBUY_APT_SOURCES=FILE")  # fmt: skip


def download_wheels() -> None:
    """Fetch the locked files as this machine's pip does; what is there is not fetched again."""
    wheels = OUT / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    machine = platform.machine()
    glibcs = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)]
    form = ["--implementation", "cp", "--python-version", PYTHON, "--abi", "cp311", "--abi", "abi3", "--abi", "none"]
    form += [word for name in (*glibcs, f"manylinux2014_{machine}") for word in ("--platform", name)]
    for lock in ("build", "runtime"):
        seal = wheels / f".{lock}"
        text = (ROOT / "requirements" / f"{lock}.lock").read_text()
        if seal.exists() and seal.read_text() == text:
            continue
        run(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--require-hashes", "--only-binary=:all:", *form, "--find-links", str(wheels),
            "--dest", str(wheels), "--requirement", f"requirements/{lock}.lock")  # fmt: skip
        seal.write_text(text)


def build() -> Built:
    """Build both stages and write the archive."""
    bill_of_materials(OUT / "sbom.json")
    for base in ("base", "builder"):
        # the archive alone is what it is built from
        context = OUT / f"{base}.context"
        context.mkdir(exist_ok=True)
        (context / "Containerfile").write_text(f"FROM scratch\nADD {base}.tar /\n")
        (context / f"{base}.tar").unlink(missing_ok=True)
        os.link(OUT / f"{base}.tar", context / f"{base}.tar")
        buildah("build", "--quiet", "--timestamp", str(BASE_TIME), "--tag", f"{NAME}-{base}", str(context))
    buildah(
        "build", "--quiet", "--isolation=chroot", "--layers=false", "--timestamp", str(commit_time()),
        "--volume", f"{OUT / 'wheels'}:/wheels:ro",
        "--build-arg", f"BASE={NAME}-base", "--build-arg", f"BUILDER={NAME}-builder",
        "--build-arg", "PIP_OPTIONS=--no-index --find-links /wheels",
        "--build-arg", f"SOURCE_DATE_EPOCH={commit_time()}",
        "--build-arg", f"VERSION={version()}", "--build-arg", f"REVISION={revision()}",
        "--ignorefile", str(ROOT / ".containerignore"), "--file", str(HERE / "Containerfile"),
        "--tag", f"{NAME}:{version()}", str(ROOT),
    )  # fmt: skip
    ARCHIVE.unlink(missing_ok=True)
    digest = OUT / "digest"
    buildah(
        "push",
        "--quiet",
        "--digestfile",
        str(digest),
        f"{NAME}:{version()}",
        f"oci-archive:{ARCHIVE}:{NAME}:{version()}",
    )
    buildah("rmi", "--prune")  # what earlier builds have left
    return Built(digest.read_text().strip(), ARCHIVE.stat().st_size, image_archive.unpacked(ARCHIVE))


def buildah(*arguments: str) -> None:
    """Run buildah with a store of its own below build/."""
    storage = ["--root", str(OUT / "storage"), "--runroot", str(OUT / "run"), "--storage-driver", "vfs"]
    run("buildah", *storage, *arguments)


def bill_of_materials(target: Path) -> None:
    """Write what is in the image, Debian's packages too, beside it."""
    locked, licences = supply.read_lock(), supply.read_licences()
    names = (OUT / "debs.txt").read_text().split()
    debs = [name for name in names if name.endswith(".deb")]
    document = sbom.with_debian(sbom.bill(locked, licences), debs)
    target.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def version() -> str:
    """Read the engine's version."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def revision() -> str:
    """Name the commit, with a mark where the clone has something else of what the image is made from."""
    rules = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    taken = [rule[1:] for rule in rules if rule.startswith("!")]
    changed = output("git", "status", "--porcelain", "--", ".containerignore", *taken)
    return output("git", "rev-parse", "HEAD") + ("-changed" if changed else "")


def commit_time() -> int:
    """Give the seconds since 1970 that every time in the image is, but for the base's."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or output("git", "log", "-1", "--format=%ct"))


def output(*command: str) -> str:
    """Run a program and give what it prints."""
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def run(*command: str) -> None:
    """Run a program; what it prints is for whoever builds."""
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
