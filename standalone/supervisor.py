"""Keeps everything running: started in order, restarted when it crashes, stopped in order."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from standalone.processes import spawn, stop
from standalone.services import Postgres, ServiceFailed, Valkey

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.5, 30.0, 60.0


@dataclass(slots=True)
class _Program:
    module: str
    stop_seconds: float
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = 0.0


class Supervisor:
    """Runs web and worker with ``env``, on the embedded ``servers``, if any."""

    def __init__(
        self, env: Mapping[str, str], grace_seconds: float, servers: Sequence[Valkey | Postgres]
    ) -> None:
        self._env = env
        self._servers = servers
        # The worker's grace period, and what it takes to write results and say goodbye.
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
        program.process = spawn([sys.executable, "-m", program.module], env=self._env)

    def failed(self) -> bool:
        """Whether a program has ended by itself."""
        return any(p.process is None or p.process.poll() is not None for p in self._programs)

    def watch(self) -> None:
        """Restart what crashes until ``stopping`` is set."""
        while not self.stopping.wait(POLL_SECONDS):
            for server in self._servers:
                if not server.alive:
                    self._revive_server(server)
            for program in self._programs:
                self._revive(program)

    def _revive(self, program: _Program) -> None:
        now = time.monotonic()
        if program.process is not None:
            code = program.process.poll()
            if code is None:
                return
            steady = now - program.started > STEADY_SECONDS
            program.pause = FIRST_PAUSE if steady else min(LONGEST_PAUSE, program.pause * 2)
            program.due, program.process = now + program.pause, None
            reason = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            logger.error("%s ended (%s), again in %.1f s", program.module, reason, program.pause)
        elif now >= program.due:
            self._start(program)

    def _revive_server(self, server: Valkey | Postgres) -> None:
        name = type(server).__name__
        logger.error("%s ended, starting it again", name)
        try:
            server.start()
        except ServiceFailed as error:
            logger.error("%s", error)
            self.stopping.wait(FIRST_PAUSE)

    def stop(self) -> None:
        """Stop both: first nobody asks any more, then nobody works."""
        for program in reversed(self._programs):
            if program.process is not None and program.process.poll() is None:
                program.process.send_signal(signal.SIGTERM)
        for program in reversed(self._programs):
            if program.process is not None:
                stop(program.process, signal.SIGCONT, program.stop_seconds)
