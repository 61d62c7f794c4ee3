"""Finds and ends what handlers of killed workers started themselves and left behind.

The kernel ends the children of a killed worker, but not what those had started. Everything that
comes from a worker carries its mark in the environment, so the next worker on this machine knows
it: the worker of the mark is gone, the process is not.
"""

import contextlib
import logging
import os
import signal
from pathlib import Path

logger = logging.getLogger(__name__)

VARIABLE = "MILLRACE_WORKER_PROCESS"


def mark() -> None:
    """Put this process's mark into the environment of all that it starts from now on."""
    os.putenv(VARIABLE, f"{_namespace()} {os.getpid()} {_started(Path('/proc/self'))}")


def end_orphans() -> list[int]:
    """SIGKILL processes of our user whose worker is gone; return their pids."""
    ended = []
    for folder in Path("/proc").glob("[0-9]*"):
        marked = _mark_of(folder)
        if marked is None or _lives(marked):
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(folder.name), signal.SIGKILL)
            ended.append(int(folder.name))
    if ended:
        logger.warning("ended %d processes that killed workers had left", len(ended))
    return ended


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


def _lives(marked: str) -> bool:
    """Whether the worker of a mark runs, as far as can be seen from here."""
    try:
        namespace, pid, started = marked.split(" ")
    except ValueError:
        return True
    # Another container counts its pids for itself. A start time tells a later process of a pid.
    return namespace != _namespace() or _started(Path("/proc") / pid) == started


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def _started(folder: Path) -> str | None:
    """When a process was started, in clock ticks since boot (proc(5), field 22 of stat)."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
