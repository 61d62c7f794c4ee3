"""Finds and kills processes left behind by the handlers of killed workers.

The kernel kills the children of a killed worker, but not what those children started. Every
descendant of a worker inherits a mark that names the worker in its environment, so another worker
on this machine recognizes an orphan: the worker of its mark no longer runs.
"""

import contextlib
import logging
import os
import signal
from pathlib import Path

logger = logging.getLogger(__name__)

VARIABLE = "MILLRACE_WORKER_PROCESS"


def mark() -> None:
    """Put this process's mark into the environment of everything it starts from now on."""
    os.putenv(VARIABLE, f"{_namespace()} {os.getpid()} {_start_time(Path('/proc/self'))}")


def kill_orphans() -> list[int]:
    """SIGKILL this user's processes whose worker no longer runs; return their pids."""
    killed = []
    for folder in Path("/proc").glob("[0-9]*"):
        marked = _mark_of(folder)
        if marked is None or _worker_runs(marked):
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(folder.name), signal.SIGKILL)
            killed.append(int(folder.name))
    if killed:
        logger.warning("killed %d orphaned processes of killed workers", len(killed))
    return killed


def _mark_of(folder: Path) -> str | None:
    try:
        if folder.stat().st_uid != os.getuid():
            return None
        variables = (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    prefix = f"{VARIABLE}=".encode()
    found = [variable for variable in variables if variable.startswith(prefix)]
    return found[0][len(prefix) :].decode("ascii", "replace") if found else None


def _worker_runs(marked: str) -> bool:
    """Whether the worker of a mark runs; True if that is unknown."""
    try:
        namespace, pid, started = marked.split(" ")
    except ValueError:
        return True
    # Another container has its own pids. The start time tells processes with the same pid apart.
    return namespace != _namespace() or _start_time(Path("/proc") / pid) == started


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def _start_time(folder: Path) -> str | None:
    """Return when a process started, in ticks since boot (proc(5), field 22 of stat)."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
