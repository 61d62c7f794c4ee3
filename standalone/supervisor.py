"""Starts web and worker in order, restarts what crashes, and stops them in order."""

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from standalone.processes import module_command, spawn, stop
from standalone.services import Postgres, ServiceFailed, Valkey

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
# A crashing program restarts after a pause that doubles, until it has run for STABLE_SECONDS.
MIN_PAUSE, MAX_PAUSE, STABLE_SECONDS = 0.5, 30.0, 60.0


@dataclass(slots=True)
class _Program:
    module: str
    stop_seconds: float
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = MIN_PAUSE
    due: float = 0.0


class Supervisor:
    """Runs web and worker with ``env``, and watches the embedded ``servers``, if any."""

    def __init__(
        self, env: Mapping[str, str], grace_seconds: float, servers: Sequence[Valkey | Postgres]
    ) -> None:
        self._env = env
        self._servers = servers
        # The worker needs its grace period, and then time to write results and deregister.
        self._programs = [
            _Program("worker", grace_seconds + 15.0),
            _Program("quart_app", 15.0),
        ]
        self.stopping = threading.Event()

    def start(self) -> None:
        """Start both programs."""
        for program in self._programs:
            self._start(program)

    def _start(self, program: _Program) -> None:
        program.started = time.monotonic()
        program.process = spawn(module_command(program.module), env=self._env)

    def failed(self) -> bool:
        """Return whether a program has ended by itself."""
        return any(p.process is None or p.process.poll() is not None for p in self._programs)

    def watch(self) -> None:
        """Restart what crashes until ``stopping`` is set."""
        while not self.stopping.wait(POLL_SECONDS):
            for server in self._servers:
                if not server.alive:
                    self._restart_server(server)
            for program in self._programs:
                self._restart(program)

    def _restart(self, program: _Program) -> None:
        now = time.monotonic()
        if program.process is not None:
            code = program.process.poll()
            if code is None:
                return
            stable = now - program.started > STABLE_SECONDS
            program.pause = MIN_PAUSE if stable else min(MAX_PAUSE, program.pause * 2)
            program.due, program.process = now + program.pause, None
            reason = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            logger.error(
                "%s ended (%s), restarting in %.1f s", program.module, reason, program.pause
            )
        elif now >= program.due:
            self._start(program)

    def _restart_server(self, server: Valkey | Postgres) -> None:
        name = type(server).__name__
        logger.error("%s ended, restarting it", name)
        try:
            server.start()
        except ServiceFailed as error:
            logger.error("%s", error)
            self.stopping.wait(MIN_PAUSE)

    def stop(self) -> None:
        """Stop both programs, web first, so that no new uploads reach a stopping worker."""
        for program in reversed(self._programs):
            if program.process is not None and program.process.poll() is None:
                program.process.send_signal(signal.SIGTERM)
        for program in reversed(self._programs):
            if program.process is not None:
                stop(program.process, signal.SIGCONT, program.stop_seconds)
