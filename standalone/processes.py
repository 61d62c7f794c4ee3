"""Child processes that end with their parent, and ways for root to run PostgreSQL."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_NOBODY = 65534
_libc = ctypes.CDLL(None, use_errno=True)


def module_command(module: str) -> list[str]:
    """Return the argv that runs one of our modules.

    ``-P`` keeps the current folder, which is the user's, from shadowing our packages.
    """
    return [sys.executable, "-P", "-m", module]


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start ``argv`` in its own session, with its output in ``log`` or on our own output.

    Ctrl-C in the terminal reaches only this process, which stops its children in order. If this
    process is killed, the kernel sends ``death_signal`` to each child.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the call above
            os._exit(1)

    output = log.open("ab") if log is not None else None
    try:
        return subprocess.Popen(
            list(argv),
            env=dict(env) if env is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    finally:
        if output is not None:
            output.close()


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, seconds: float) -> None:
    """Send ``stop_signal``; kill the process if it has not ended after ``seconds``."""
    if process.poll() is not None:
        return
    process.send_signal(stop_signal)
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    if process.poll() is None:
        process.kill()
        process.wait()


@cache
def _unshare_works() -> bool:
    command = ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "true"]
    try:
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def unprivileged_prefix(folder: Path) -> list[str]:
    """Return the argv prefix under which PostgreSQL runs, and give it ``folder`` if necessary.

    PostgreSQL refuses to run as root. On a host, root maps itself to nobody in a user namespace.
    Where user namespaces are blocked, as in containers, root becomes nobody and keeps only the
    right to reach files below folders owned by root.
    """
    if os.geteuid() != 0:
        return []
    if _unshare_works():
        return ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
    return [
        "setpriv",
        "--securebits=+no_setuid_fixup",
        f"--reuid={_NOBODY}",
        f"--regid={_NOBODY}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    ]
