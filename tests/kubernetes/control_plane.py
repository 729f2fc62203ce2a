"""The control plane: etcd, API server, controllers and scheduler, each a child process that ends with us."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from signal import SIGTERM

import yaml

from deploy.local.child import Child
from tests.kubernetes import certificates
from tests.kubernetes.addresses import API_PORT, ETCD_PORT, SERVER, SERVICE_RANGE
from tests.kubernetes.errors import ClusterError
from tests.kubernetes.kubectl import Kubectl
from tests.kubernetes.programs import Programs

START_SECONDS = 180.0
"""Long, for a machine whose processors are busy with other things."""
_STOP_SECONDS = 15.0
_LOOK_SECONDS = 0.3


class ControlPlane:
    """Everything of it lies below one folder."""

    def __init__(self, run: Path, programs: Programs) -> None:
        self.run = run
        self.programs = programs
        self.certificates = run / "certificates"
        self.config = run / "admin.yaml"
        """Credentials and address of the API server, for kubectl and for the other programs."""
        self.kubectl = Kubectl(programs.path("kubectl"), self.config)
        self.children: dict[str, Child] = {}

    async def start(self) -> None:
        """Return when the API server is ready and has made what namespaces begin with."""
        certificates.write(self.certificates)
        self.config.write_text(yaml.safe_dump(_config(self.certificates)))
        self.begin("etcd", self.programs.path("etcd"), _etcd(self.run / "etcd"))
        self.begin("kube-apiserver", self.programs.path("kube-apiserver"), _api_server(self.certificates))
        await until("the API server is ready", lambda: self._answers("get", "--raw=/readyz"), self.children)
        for name, flags in (("kube-controller-manager", _controllers(self.certificates)), ("kube-scheduler", {})):
            own = {"kubeconfig": self.config, "leader-elect": "false", "bind-address": "127.0.0.1", **flags}
            self.begin(name, self.programs.path(name), own)
        made = "the default service account is made"
        await until(made, lambda: self._answers("get", "serviceaccount", "default"), self.children)

    def begin(self, name: str, program: str, flags: Mapping[str, object]) -> None:
        """Start a program under a name."""
        argv = [program, *(f"--{flag}={value}" for flag, value in flags.items())]
        self.children[name] = Child.start(argv, log=self.run / "logs" / f"{name}.log", cwd=self.run)

    async def stop(self) -> None:
        """End all, those first that were started last."""
        for name in reversed(list(self.children)):
            await self.children.pop(name).end(SIGTERM, _STOP_SECONDS)

    async def _answers(self, *words: str) -> bool:
        code, _, _ = await self.kubectl.attempt(*words)
        return code == 0


async def until(
    what: str, holds: Callable[[], Awaitable[bool]], children: Mapping[str, Child], seconds: float = START_SECONDS
) -> None:
    """Wait until something holds; ClusterError when it takes too long, or one of the programs has ended."""
    ends = asyncio.get_running_loop().time() + seconds
    while not await holds():
        for name, child in children.items():
            if child.returncode is not None:
                raise ClusterError(f"{name} ended with code {child.returncode}:\n" + "\n".join(child.log_tail()))
        if asyncio.get_running_loop().time() > ends:
            raise ClusterError(f"Within {seconds:.0f} s it did not happen that {what}.")
        await asyncio.sleep(_LOOK_SECONDS)


def _config(folder: Path) -> dict[str, object]:
    server = {"server": f"https://{SERVER}:{API_PORT}", "certificate-authority": str(folder / "ca.crt")}
    user = {"client-certificate": str(folder / "admin.crt"), "client-key": str(folder / "admin.key")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }


def _etcd(data: Path) -> dict[str, object]:
    clients, peers = f"http://127.0.0.1:{ETCD_PORT}", f"http://127.0.0.1:{ETCD_PORT + 1}"
    return {
        "data-dir": data,
        "unsafe-no-fsync": "true",  # what it keeps goes with the test
        "log-level": "warn",
        "listen-client-urls": clients,
        "advertise-client-urls": clients,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
    }


def _api_server(folder: Path) -> dict[str, object]:
    return {
        "etcd-servers": f"http://127.0.0.1:{ETCD_PORT}",
        "bind-address": SERVER,
        "advertise-address": SERVER,
        "secure-port": API_PORT,
        "tls-cert-file": folder / "server.crt",
        "tls-private-key-file": folder / "server.key",
        "client-ca-file": folder / "ca.crt",
        "authorization-mode": "Node,RBAC",
        "allow-privileged": "true",
        "service-cluster-ip-range": SERVICE_RANGE,
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": folder / "accounts.pub",
        "service-account-signing-key-file": folder / "accounts.key",
        "kubelet-client-certificate": folder / "admin.crt",
        "kubelet-client-key": folder / "admin.key",
        "kubelet-preferred-address-types": "InternalIP",  # logs would look for the node's name in DNS
    }


def _controllers(folder: Path) -> dict[str, object]:
    return {
        "root-ca-file": folder / "ca.crt",
        "service-account-private-key-file": folder / "accounts.key",
        "service-cluster-ip-range": SERVICE_RANGE,
    }
