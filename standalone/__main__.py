"""`millrace serve` and `make run`: everything on this machine, in the foreground, until Ctrl-C."""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import IO

from processing import logs, settings
from processing.errors import InvalidSettings
from standalone.processes import module_command
from standalone.services import Postgres, ServiceFailed, Valkey, free_port
from standalone.supervisor import Supervisor

READY_SECONDS = 60.0
WORKER_SECONDS = 5.0


class CannotStart(Exception):
    """Millrace cannot start; the message is the one line the user reads."""


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"cannot listen on {host}:{port}: {error.strerror}. "
                f"Set another port, for example PORT={port + 1}."
            ) from error


def _lock(var: Path) -> IO[str]:
    lock = (var / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CannotStart(f"another Millrace is already running on the data in {var}.") from error
    return lock


def _state(var: Path) -> dict[str, str]:
    """Return the ports and passwords of the embedded servers, generated on the first start."""
    path = var / "standalone.json"
    state: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    for name in ("valkey_password", "postgres_password"):
        state.setdefault(name, secrets.token_urlsafe(24))
    for name in ("valkey_port", "postgres_port"):
        # Keep the last port while it is free, so that an operator's tools keep working.
        if not (name in state and _free(int(state[name]))):
            state[name] = str(free_port())
    path.touch(mode=0o600)
    path.write_text(json.dumps(state, indent=1))
    return state


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _servers(chosen: settings.Settings) -> dict[str, Valkey | Postgres]:
    """Return the servers to embed, by the variable that will hold their URL."""
    if chosen.database_dsn and chosen.redis_dsn:
        return {}
    var = chosen.var_root.absolute()
    state = _state(var)
    servers: dict[str, Valkey | Postgres] = {}
    if not chosen.redis_dsn:
        servers["REDIS_URL"] = Valkey(
            var / "valkey",
            int(state["valkey_port"]),
            state["valkey_password"],
            chosen.valkey_server,
        )
    if not chosen.database_dsn:
        servers["DATABASE_URL"] = Postgres(
            var / "postgres",
            int(state["postgres_port"]),
            state["postgres_password"],
            chosen.postgres_bin,
        )
    return servers


def _migrate(env: dict[str, str]) -> None:
    result = subprocess.run(
        module_command("processing.migrations"), env=env, capture_output=True, text=True
    )
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["no output"]
        raise CannotStart(lines[-1].removeprefix("millrace migrate: "))


def _wait_until_ready(address: str, supervisor: Supervisor) -> None:
    """Wait until the page answers and a worker has registered."""
    deadline = time.monotonic() + READY_SECONDS
    while not supervisor.stopping.is_set():
        missing = _missing(address)
        if not missing:
            return
        if supervisor.failed():
            raise CannotStart("a program ended during startup; see the lines above.")
        if time.monotonic() > deadline:
            raise CannotStart(f"not ready after {READY_SECONDS:.0f} s: {missing}.")
        supervisor.stopping.wait(0.1)


def _missing(address: str) -> str:
    """Say what is not ready yet; empty if everything is."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=2):  # noqa: S310
            pass
        with urllib.request.urlopen(f"{address}/api/v1/queue", timeout=2) as answer:  # noqa: S310
            workers = json.load(answer)["workers"]
    except OSError as error:
        return f"{address}/readyz answers {error}"
    # A worker of an earlier run that was killed is still listed, but silent.
    alive = any(worker["silent_seconds"] < WORKER_SECONDS for worker in workers)
    return "" if alive else "no worker has registered"


def _announce(address: str, servers: dict[str, Valkey | Postgres], var: Path) -> None:
    print(f"\n  Millrace is ready:  {address}\n  API:                {address}/docs")
    redis = servers.get("REDIS_URL")
    if redis is not None:
        print(
            f"  Streams:            redis-cli -p {redis.port}  (password in {var}/standalone.json)"
        )
    print("  Press Ctrl-C to stop; the data is kept.\n", flush=True)


def _run(chosen: settings.Settings) -> None:
    _check_port(chosen.host, chosen.port)
    var = chosen.var_root.absolute()
    var.mkdir(parents=True, exist_ok=True)
    lock = _lock(var)
    servers = _servers(chosen)
    env = {**os.environ, **{name: server.url for name, server in servers.items()}}
    supervisor = Supervisor(env, chosen.grace_seconds, list(servers.values()))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    try:
        for server in servers.values():
            server.start()
        _migrate(env)
        supervisor.start()
        wildcard = chosen.host in ("0.0.0.0", "::")  # noqa: S104
        host = "127.0.0.1" if wildcard else chosen.host
        address = f"http://{f'[{host}]' if ':' in host else host}:{chosen.port}"
        _wait_until_ready(address, supervisor)
        if not supervisor.stopping.is_set():
            _announce(address, servers, var)
        supervisor.watch()
    finally:
        print("\nStopping …", flush=True)
        supervisor.stop()
        for server in servers.values():
            server.stop()
        lock.close()
    print("Stopped. The data is kept.", flush=True)


def main() -> int:
    """Return the exit status: 0 after Ctrl-C, 1 if it could not start, 2 for bad settings."""
    try:
        chosen = settings.load()
        logs.configure(chosen.log_format, chosen.log_level)
        _run(chosen)
    except InvalidSettings as error:
        print(f"millrace: {error}", file=sys.stderr)
        return 2
    except (CannotStart, ServiceFailed) as error:
        print(f"millrace: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
