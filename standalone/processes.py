"""Child processes that end when we do, and root's ways of not being root."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_NOBODY = 65534
_libc = ctypes.CDLL(None, use_errno=True)


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start ``argv`` in a session of its own, its output in ``log`` or where ours goes.

    The terminal's Ctrl-C reaches us alone, so that we can stop the others in order; if we are
    killed, the kernel sends ``death_signal`` to each.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above
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
    """Ask a process to end; kill it if it has not after ``seconds``."""
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


def unprivileged(folder: Path) -> list[str]:
    """Return the argv prefix under which PostgreSQL will run, and make ``folder`` its own.

    PostgreSQL refuses to run as root. Root on a host maps itself to nobody in a user namespace;
    where those are blocked (containers) it becomes nobody, keeping only the right to reach files
    below folders that are root's.
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
