"""The programs of Kubernetes and the pause image: built once from Go's modules, and kept outside the repository."""

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from tests.kubernetes.errors import ClusterError

SOURCE = Path(__file__).with_name("binary")
NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
PAUSE = "localhost/groupbuy/pause:1"
_VERSION_IN = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


def version() -> str:
    """Give the version of Kubernetes that go.mod names, as v1.35.4."""
    return next(line.split()[1] for line in _modules().splitlines() if line.startswith("\tk8s.io/kubernetes "))


class Programs:
    """What was built, below a folder that is kept between runs."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / f"programs-{version()}-{_fingerprint()}"
        self.binary = self._folder / "lab"
        self.pause = self._folder / "pause.tar"
        """The image of pods' own containers."""

    def path(self, name: str) -> str:
        """Where a program of the cluster is."""
        return str(self._folder / name)

    def build(self, say: Callable[[str], None]) -> None:
        """Build what is not there yet; ClusterError with the compiler's words."""
        if self.pause.exists():
            return
        say(f"building Kubernetes {version()}, once: ten minutes on two free cores, 3 GB of Go's cache")
        self._folder.mkdir(parents=True, exist_ok=True)
        _go_build(".", self.binary, _version_flags())
        for name in NAMES:
            link = self._folder / name
            link.unlink(missing_ok=True)
            link.symlink_to(self.binary.name)
        waiting = self._folder / "pause"
        _go_build("./pause", waiting, "")
        image = docker_archive(PAUSE, "/pause", waiting.read_bytes())
        new = self.pause.with_suffix(".new")
        new.write_bytes(image)
        new.rename(self.pause)  # last: what is half made is made again


def docker_archive(name: str, path: str, program: bytes) -> bytes:
    """Pack one static program as an image of that name, which runs it; as `docker save` would write it."""
    layer = _tar({path.lstrip("/"): (program, 0o755)})
    config = {
        "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
        "os": "linux",
        "config": {"Entrypoint": [path]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    return _tar(
        {
            "layer.tar": (layer, 0o644),
            "config.json": (json.dumps(config).encode(), 0o644),
            "manifest.json": (json.dumps(manifest).encode(), 0o644),
        }
    )


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _modules() -> str:
    return (SOURCE / "go.mod").read_text(encoding="utf-8")


def _fingerprint() -> str:
    """Tell one source from another, so that what is built is built again where it changed."""
    files = [*sorted(SOURCE.rglob("*.go")), SOURCE / "go.mod", SOURCE / "go.sum"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _version_flags() -> str:
    _, minor, _ = version().split(".")
    said = {"gitVersion": version(), "gitMajor": "1", "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(f"-X {package}.{name}={value}" for package in _VERSION_IN for name, value in said.items())


def _go_build(package: str, to: Path, flags: str) -> None:
    command = ["go", "build", "-trimpath", "-ldflags", f"-s -w {flags}".strip(), "-o", str(to), package]
    done = subprocess.run(
        command, cwd=SOURCE, env={**os.environ, "CGO_ENABLED": "0"}, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
