"""A node: containerd, a bridge for its pods, and the node agent; several of them live side by side in one network."""

import asyncio
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.addresses import NAMESPACE, POD_RANGE, SERVER, ZONE
from tests.kubernetes.borrowed import ROOT
from tests.kubernetes.control_plane import ControlPlane, until
from tests.kubernetes.errors import ClusterError
from tests.kubernetes.machine import PLUGINS
from tests.kubernetes.programs import PAUSE

_CONTAINERD = """version = 2
root = "{folder}/kept"
state = "{folder}/state"
oom_score = 0
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # without the right to lower it, runc ends with "can't get final child's PID from pipe"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{folder}/network"
"""


@dataclass(frozen=True)
class Node:
    """A node by its name and its number, from which its addresses and ports follow."""

    name: str
    number: int

    @property
    def address(self) -> str:
        """Its own address, on the loopback of the cluster's network."""
        return f"10.255.0.{10 + self.number}"

    def folder(self, run: Path) -> Path:
        """Everything of it lies there."""
        return run / self.name

    def port(self, usual: int) -> int:
        """Give its own port for one that is usual: nodes share a network here."""
        return usual + 100 * self.number


NODES = (Node("node-a", 0), Node("node-b", 1))


async def start(node: Node, plane: ControlPlane, images: Sequence[Path]) -> None:
    """Start a node and return when it is ready for pods; images are files of archives."""
    folder = node.folder(plane.run)
    _write(node, folder, plane)
    _call("ip", "address", "add", f"{node.address}/32", "dev", "lo")
    socket, runtime = folder / "containerd.sock", f"{node.name}-containerd"
    plane.begin(runtime, "/usr/bin/containerd", {"config": folder / "containerd.toml"})
    await until(f"containerd of {node.name} answers", lambda: _answers(socket), plane.children)
    for image in images:
        await asyncio.to_thread(
            _call, "ctr", f"--address={socket}", "--namespace=k8s.io", "images", "import", str(image)
        )
    agent = {
        "config": folder / "agent.yaml",
        "kubeconfig": plane.config,
        "root-dir": folder / "agent",
        "hostname-override": node.name,
        "node-ip": node.address,
    }
    plane.begin(f"{node.name}-kubelet", plane.programs.path("kubelet"), agent)
    await until(f"{node.name} is ready", lambda: _is_ready(node, plane), plane.children)


def start_proxy(plane: ControlPlane) -> None:
    """Start what turns addresses of services into those of pods, for the whole network."""
    path = plane.run / "proxy.yaml"
    path.write_text(yaml.safe_dump(_proxy(plane.config)))
    plane.begin("kube-proxy", plane.programs.path("kube-proxy"), {"config": path})


async def _is_ready(node: Node, plane: ControlPlane) -> bool:
    wanted = '--output=jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    code, said, _ = await plane.kubectl.attempt("get", "node", node.name, wanted)
    return code == 0 and said == "True"


async def _answers(socket: Path) -> bool:
    return await asyncio.to_thread(_passes, "ctr", f"--address={socket}", "version")


def _write(node: Node, folder: Path, plane: ControlPlane) -> None:
    (folder / "network").mkdir(parents=True)
    own = _CONTAINERD.format(folder=folder, pause=PAUSE, plugins=PLUGINS)
    (folder / "containerd.toml").write_text(own)
    (folder / "network" / "bridge.conflist").write_text(json.dumps(_network(node, folder)))
    (folder / "resolv.conf").write_text(f"nameserver {SERVER}\n")
    (folder / "agent.yaml").write_text(yaml.safe_dump(_agent(node, folder, plane.certificates)))


def _network(node: Node, folder: Path) -> dict[str, Any]:
    """Make the pods' network: a bridge; its own address is the pods' way to everything else."""
    addresses = {
        "type": "host-local",
        "dataDir": str(folder / "addresses"),
        "ranges": [[{"subnet": f"10.244.{node.number}.0/24"}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": f"pods-{node.number}", "isGateway": True, "hairpinMode": True}
    return {
        "cniVersion": "1.0.0",
        "name": f"{NAMESPACE}-{node.name}",
        "plugins": [{**bridge, "ipam": addresses}, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def _agent(node: Node, folder: Path, certificates: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "port": node.port(10250),
        "healthzPort": node.port(10248),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(certificates / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{ROOT}/{node.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [SERVER],
        "clusterDomain": ZONE,
        "resolvConf": str(folder / "resolv.conf"),
        "podLogsDir": str(folder / "pods"),
        # a test's disk may be nearly full; images are there once and cannot be fetched again
        "imageMinimumGCAge": "24h",
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
    }


def _proxy(config: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": POD_RANGE,
        "hostnameOverride": NODES[0].name,
        "bindAddress": SERVER,
        "clientConnection": {"kubeconfig": str(config)},
        # without it a pod on the same bridge would answer past the proxy, under its own address
        "iptables": {"masqueradeAll": True},
        "conntrack": {"maxPerCore": 0},  # what is the whole machine's stays as it is
    }


def _passes(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _call(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(words)}: {done.stderr.strip()}")
