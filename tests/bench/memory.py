"""Memory of a process that is in use, from /proc."""

from pathlib import Path

MIB = 1024 * 1024


def peak_memory(pid: int) -> float:
    """Give the most memory that a process has had resident since it began, in MiB."""
    return read_peak(Path(f"/proc/{pid}/status").read_text())


def read_peak(status: str) -> float:
    """Read it from /proc/PID/status (proc(5): VmHWM, in kB of 1024 bytes); ValueError where it does not stand there."""
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) / 1024
    raise ValueError("there is no VmHWM: is this Linux?")
