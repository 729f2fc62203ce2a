"""What a cluster borrows of the machine, and how it is given back: a network, cgroups, mounts, settings of the kernel.

All that is given back is found by names that are ours alone, whoever started it and however that ended: so a run that
was killed is cleared away by the next one.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.kubernetes.addresses import NAMESPACE, SERVER, SERVICE_RANGE
from tests.kubernetes.errors import ClusterError

KERNEL = (
    "vm.overcommit_memory",
    "vm.panic_on_oom",
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.keys.root_maxkeys",
    "kernel.keys.root_maxbytes",
)
"""Settings of the whole machine that a node agent writes."""
CGROUPS = Path("/sys/fs/cgroup")
ROOT = NAMESPACE
"""Every process of a pod is in a cgroup below one of this name."""
PLACES = (Path("/var/lib/kubelet"), Path("/var/log/containers"), Path("/var/lib/cni"))
"""Folders that node agents make, whatever they are told; they go if they were not there before."""
_RESULTS = Path("/var/lib/cni/results")
_NETWORKS = Path("/run/netns")
_PATIENCE_SECONDS = 10.0
_SHARES = 1024
"""Of one processor."""


@contextlib.contextmanager
def borrowed(run: Path, nodes: tuple[str, ...]) -> Iterator[None]:
    """Borrow all of it for as long as this lasts; `run` is the folder of everything that goes afterwards."""
    give_back(run)
    run.mkdir(parents=True)
    try:
        _take(run, nodes)
        yield
    finally:
        give_back(run)


def within() -> list[str]:
    """Give the words that have a command run in the cluster's network.

    Not `ip netns exec`: that mounts another /sys, in which a node agent finds no cgroups.
    """
    return ["nsenter", f"--net={_NETWORKS / NAMESPACE}"]


def _take(run: Path, nodes: tuple[str, ...]) -> None:
    before = {
        "kernel": {key: _kernel(key).read_text().strip() for key in KERNEL if _kernel(key).exists()},
        "made": [str(place) for place in PLACES if not place.exists()],
    }
    (run / "before.json").write_text(json.dumps(before))
    for node in nodes:
        _make_cgroup(node, len(nodes))
    _call("ip", "netns", "add", NAMESPACE)
    for words in (
        "ip link set lo up",
        f"ip address add {SERVER}/32 dev lo",
        # an address of a service needs some way before kube-proxy gives it another
        f"ip route add {SERVICE_RANGE} dev lo src {SERVER}",
        "sysctl -qw net.ipv4.ip_forward=1",
    ):
        _call(*within(), *words.split())


def _make_cgroup(node: str, nodes: int) -> None:
    """Make a node's own cgroup, with every controller that there is."""
    unified = CGROUPS / "cgroup.controllers"
    if not unified.exists():
        for controller in (path for path in CGROUPS.iterdir() if (path / "cgroup.procs").exists()):
            (controller / ROOT / node).mkdir(parents=True, exist_ok=True)
            shares = controller / ROOT / "cpu.shares"
            if shares.exists():  # as much as a node's pods have where they are alone on a machine, for each node
                shares.write_text(str(_SHARES * (os.cpu_count() or 1) * nodes))
        return
    (CGROUPS / ROOT / node).mkdir(parents=True, exist_ok=True)
    wanted = " ".join(f"+{name}" for name in unified.read_text().split())
    for folder in (CGROUPS, CGROUPS / ROOT, CGROUPS / ROOT / node):
        (folder / "cgroup.subtree_control").write_text(wanted)


def give_back(run: Path) -> None:
    """Put the machine back as it was; nothing happens where nothing is borrowed."""
    _end_pods()
    _end_shims(run)
    _drop_networks()
    _unmount(run)
    for folder in sorted(_cgroups(), key=lambda path: len(path.parts), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()
    if (_NETWORKS / NAMESPACE).exists():
        _call("ip", "netns", "delete", NAMESPACE)
    _put_back(run)
    shutil.rmtree(run, ignore_errors=True)


def _put_back(run: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        before = json.loads((run / "before.json").read_text())
        for key, value in before["kernel"].items():
            if _kernel(key).read_text().strip() != value:
                _kernel(key).write_text(value)
        for link in Path("/var/log/containers").glob("*"):
            if link.is_symlink() and link.readlink().is_relative_to(run):
                link.unlink()
        for place in before["made"]:
            shutil.rmtree(place, ignore_errors=True)


def _end_pods() -> None:
    """Kill what is in our cgroups, until nothing is."""
    ends = time.monotonic() + _PATIENCE_SECONDS
    while pids := {pid for folder in _cgroups() for pid in _in_cgroup(folder)}:
        for pid in pids:
            _kill(pid)
        if time.monotonic() > ends:
            raise ClusterError(f"Processes {sorted(pids)} of the cluster's pods do not end.")
        time.sleep(0.05)


def _end_shims(run: Path) -> None:
    """Kill those that stand between containerd and its containers: they outlive it, and name its socket."""
    for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if any(word.startswith(f"{run}/".encode()) for word in words) and b"shim" in words[0]:
                _kill(pid)


def _drop_networks() -> None:
    """Remove the namespaces of pods' networks: what was set up for each is noted where it was set up."""
    for note in _RESULTS.glob(f"{NAMESPACE}-*"):
        with contextlib.suppress(ValueError, OSError):
            for interface in json.loads(note.read_text())["result"].get("interfaces", ()):
                name = Path(interface.get("sandbox", "")).name
                if name.startswith("cni-"):
                    subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)
        note.unlink(missing_ok=True)


def _unmount(run: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((path for path in mounts if path.startswith(f"{run}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], stderr=subprocess.DEVNULL, check=False)


def _cgroups() -> list[Path]:
    roots = [CGROUPS / ROOT, *CGROUPS.glob(f"*/{ROOT}")]
    return [folder for root in roots if root.is_dir() for folder in (root, *(p for p in root.rglob("*") if p.is_dir()))]


def _in_cgroup(folder: Path) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
    return []


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _kernel(key: str) -> Path:
    return Path("/proc/sys", *key.split("."))


def _call(*words: str) -> None:
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(words)}: {done.stderr.strip()}")
