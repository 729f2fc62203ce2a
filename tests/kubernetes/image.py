"""The image of the engine, built by `make image`, as nodes have it: by two names, of the version before and after."""

import subprocess
import tarfile
from pathlib import Path

from tests.kubernetes.errors import CannotRunError, ClusterError
from tests.kubernetes.node import NODES

ARCHIVE = Path(__file__).resolve().parents[2] / "build" / "image" / "groupbuy.tar"
NEXT = "localhost/groupbuy:next"
"""The name of the other version: what a Deployment sees is another image, whatever is in it."""


def check(archive: Path) -> None:
    """CannotRunError where there is no image yet."""
    if not archive.exists():
        raise CannotRunError(f"There is no image of the engine in {archive}: make image (as root).")
    with tarfile.open(archive) as packed:
        if "index.json" not in packed.getnames():
            raise CannotRunError(f"{archive} is no OCI archive: make image.")


def name_it(run: Path, wanted: str) -> None:
    """Give what was imported the name that the manifests call it by, and that of the other version, on each node."""
    for node in NODES:
        socket = node.folder(run) / "containerd.sock"
        there = _ctr(socket, "images", "list", "--quiet").split()
        found = next((name for name in there if "groupbuy" in name and "pause" not in name), None)
        if found is None:
            raise ClusterError(f"The image of the engine did not come to {node.name}: {there}")
        for name in {wanted, NEXT} - set(there):
            _ctr(socket, "images", "tag", found, name)


def _ctr(socket: Path, *words: str) -> str:
    command = ["ctr", f"--address={socket}", "--namespace=k8s.io", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
