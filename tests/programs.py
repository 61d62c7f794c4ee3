"""The real programs, started and stopped by tests."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from processing.settings import Settings
from standalone.processes import spawn, stop


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which a program has these settings."""
    values = settings.model_dump(exclude_defaults=True)
    named = {name.upper(): str(value) for name, value in values.items()}
    return {**os.environ, **named}


class Program:
    """One running program with its log."""

    def __init__(
        self, argv: list[str], env: Mapping[str, str], log: Path, module: str = ""
    ) -> None:
        self.log_path = log
        self.module = module
        self.process: subprocess.Popen[bytes] = spawn(argv, env=env, log=log)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, seconds: float = 20.0) -> int:
        stop(self.process, signal.SIGTERM, seconds)
        return self.process.returncode


class Programs:
    """Starts web and workers with the test's settings; stops all of them at its end."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self._started: list[Program] = []

    @property
    def address(self) -> str:
        return f"http://{self.settings.host}:{self.settings.port}"

    def start(self, module: str, **env: str) -> Program:
        log = self.folder / f"{module}-{len(self._started)}.log"
        argv = [sys.executable, "-m", module]
        program = Program(argv, environment(self.settings) | env, log, module)
        self._started.append(program)
        return program

    def web(self, **env: str) -> Program:
        program = self.start("quart_app", **env)
        self._until(program, self._answers)
        return program

    def worker(self, **env: str) -> Program:
        program = self.start("worker", **env)
        self._until(program, lambda: " ready, " in program.log)
        return program

    def running(self, module: str) -> list[Program]:
        """The programs of ``module`` that still run."""
        return [p for p in self._started if p.module == module and p.process.poll() is None]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=1):
                return True
        except OSError:
            return False

    def _until(self, program: Program, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not ready():
            assert program.process.poll() is None, program.log
            assert time.monotonic() < deadline, program.log
            time.sleep(0.02)

    def stop(self) -> None:
        for program in self._started:
            if program.process.poll() is None:
                program.signal(signal.SIGCONT)
                program.stop()


def descendants(pid: int) -> dict[int, str]:
    """Process id → command line of everything below ``pid``."""
    found: dict[int, str] = {}
    parents: dict[int, int] = {}
    lines: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            lines[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            parents[int(folder.name)] = int(fields[1])
    for child in parents:
        above = child
        while above in parents and above != pid:
            above = parents[above]
        if above == pid and child != pid:
            found[child] = lines[child]
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
