"""What a process uses and what the machine has left, as the kernel tells (proc(5), cgroups(7))."""

import os
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CGROUP = Path("/sys/fs/cgroup")


def cpu_seconds(pid: int) -> float | None:
    """CPU time of a process and of its children that ended; None once it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * _TICK


def resident_bytes(pid: int) -> int:
    """Memory a process has in RAM; 0 once it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def peak_bytes(pid: int) -> int | None:
    """The most memory a process has had in RAM; None once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def folder_bytes(folder: str) -> int:
    """Total size of the files below ``folder``; 0 where there is none."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return total


def free_bytes() -> int:
    """Memory that can be allocated without swapping, within the machine and our cgroup."""
    meminfo = Path("/proc/meminfo").read_text()
    available = next(line for line in meminfo.splitlines() if line.startswith("MemAvailable:"))
    free = int(available.split()[1]) * 1024
    within = _cgroup_free()
    return free if within is None else min(free, within)


def _cgroup_free() -> int | None:
    """What the cgroup (version 2) that we see as the root may still take; None without a limit."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        # Clean file pages go first when memory runs short.
        return int(limit) - used + int(stat.get("inactive_file", 0))
    except (OSError, ValueError):
        return None
