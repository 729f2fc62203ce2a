"""What the test needs of a machine; it is said at once, before anything is begun."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.local.kafka import available
from tests.kubernetes.errors import CannotRunError

PLUGINS = Path("/usr/lib/cni")
PACKAGES = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mount": "mount",
    "buildah": "buildah",
}
"""Debian's package of each program that has to be on the PATH."""


def check(binary: Path) -> None:
    """CannotRunError that says all that is missing; `binary` needs no Go where it is built already."""
    problems = list(_problems(binary))
    if problems:
        raise CannotRunError("No cluster can run here:\n" + "\n".join(f"- {problem}" for problem in problems))


def _problems(binary: Path) -> Iterator[str]:
    if not sys.platform.startswith("linux"):
        yield "it takes Linux: namespaces, cgroups and overlayfs"
        return
    if os.geteuid() != 0:
        yield "it takes root, to make namespaces and mounts; run it in a virtual machine if that is too much to give"
    missing = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if not (PLUGINS / "bridge").exists():
        missing.append("containernetworking-plugins")
    if missing:
        yield f"install them: apt-get install --no-install-recommends {' '.join(missing)}"
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        yield "the kernel has no overlayfs"
    if not binary.exists() and shutil.which("go") is None:
        yield "there is no Go, 1.25 or newer, which builds Kubernetes once"
    if reason := available():
        yield reason
