"""Which port each listener gets: the one asked for, the one it had, its default, or the next free one."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.local.errors import LocalError
from deploy.local.sockets import holder_of

DEFAULTS: Mapping[str, int] = {
    "postgres": 7432,
    "kafka": 7092,
    "team_formation": 7101,
    "pricing": 7102,
    "notification": 7103,
    "web": 7180,
    "team_formation.http": 7301,
    "pricing.http": 7302,
    "notification.http": 7303,
    "team_formation.ops": 7201,
    "pricing.ops": 7202,
    "notification.ops": 7203,
    "demand.ops": 7204,
}
_HIGHEST = 65535
_HIGHEST_PRIVILEGED = 1023


@dataclass(frozen=True)
class PortChoice:
    """The chosen ports by name, and a sentence for each that had to move."""

    ports: dict[str, int]
    moved: list[str]


def choose_ports(
    asked: Mapping[str, int], kept: Mapping[str, int], free: Callable[[int], bool], names: Mapping[str, int] = DEFAULTS
) -> PortChoice:
    """Choose a port for each of `names` (with its default): `asked` ones exactly, `kept` and default ones if free.

    LocalError if a name is unknown, or a port that was asked for is taken.
    """
    _refuse_unknown(asked)
    choice = PortChoice({}, [])
    reserved = set(asked.values())
    for name, default in names.items():
        if name in asked:
            choice.ports[name] = _exactly(name, asked[name], free)
            continue
        wanted = kept.get(name, default)
        port = _next_free(name, wanted, reserved | set(choice.ports.values()), free)
        if port != wanted:
            choice.moved.append(f"port {wanted} is taken{holder_of(wanted)}: {name} listens on {port}")
        choice.ports[name] = port
    return choice


def _refuse_unknown(asked: Mapping[str, int]) -> None:
    for name in asked:
        if name not in DEFAULTS:
            raise LocalError(f"--port {name}: there is no such listener.", f"There are: {', '.join(DEFAULTS)}.")


def _exactly(name: str, port: int, free: Callable[[int], bool]) -> int:
    if not free(port):
        raise LocalError(
            f"{name} wants port {port}, which {_why_not(port)}.",
            f"Free it, or choose another port (--port {name}=N); without --port the next free one is taken.",
        )
    return port


def _why_not(port: int) -> str:
    holder = holder_of(port)
    if port <= _HIGHEST_PRIVILEGED and not holder and os.geteuid() != 0:
        return "is taken, or only for root as ports below 1024 usually are"
    return f"is taken{holder}"


def _next_free(name: str, wanted: int, reserved: set[int], free: Callable[[int], bool]) -> int:
    for port in range(wanted, _HIGHEST + 1):
        if port not in reserved and (port == wanted or port not in DEFAULTS.values()) and free(port):
            return port
    raise LocalError(f"No port from {wanted} upwards is free for {name}.", f"Choose one below: --port {name}=N.")
