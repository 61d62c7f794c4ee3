"""What a process uses and what the machine has free, from the kernel (proc(5), cgroups(7))."""

import os
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CGROUP = Path("/sys/fs/cgroup")
# A flag of a process from the beginning of its exit, before its connections are closed.
_PF_EXITING = 0x4


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time of a process and its ended children; None if it does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * _TICK


def is_running(pid: int) -> bool:
    """Whether a process exists and is not exiting, although its parent may not know that yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    fields = stat.rpartition(")")[2].split()
    return fields[0] not in "ZX" and not int(fields[6]) & _PF_EXITING


def resident_bytes(pid: int) -> int:
    """Return the memory a process has in RAM; 0 if it does not exist."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def peak_bytes(pid: int) -> int | None:
    """Return the peak of the memory a process had in RAM; None if it does not exist."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def folder_bytes(folder: str) -> int:
    """Return the total size of the files below ``folder``; 0 if it does not exist."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except OSError:
                continue
    return total


def free_bytes() -> int:
    """Return the memory that can be allocated without swapping, in the machine and the cgroup."""
    meminfo = Path("/proc/meminfo").read_text()
    available = next(line for line in meminfo.splitlines() if line.startswith("MemAvailable:"))
    free = int(available.split()[1]) * 1024
    within = _cgroup_free()
    return free if within is None else min(free, within)


def _cgroup_free() -> int | None:
    """Return what the root cgroup (version 2) may still allocate; None without a limit."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        # The kernel drops clean file pages first when memory runs short.
        return int(limit) - used + int(stat.get("inactive_file", 0))
    except (OSError, ValueError):
        return None
