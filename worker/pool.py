"""A pool of killable children: one process and one socket pair each, and a warm spare.

A child can be killed alone, also inside C code; its slot goes on with the spare while a new one
starts.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from worker import frames
from worker.child import serve

logger = logging.getLogger(__name__)

SPARES = 1
_forks = multiprocessing.get_context("forkserver")


class ChildDied(Exception):
    """The child ended without an answer; ``exitcode`` is negative for a signal."""

    def __init__(self, exitcode: int | None) -> None:
        super().__init__(f"exit code {exitcode}")
        self.exitcode = exitcode


class BadAnswer(Exception):
    """The child sent something that is not a message of ours."""


class Child:
    """One child process. Made by :meth:`Pool.checkout`."""

    def __init__(self, memory_bytes: int) -> None:
        ours, theirs = socket.socketpair()
        # Started from the main thread: the death signal follows the thread that started it.
        self._process = _forks.Process(target=serve, args=(theirs, memory_bytes), daemon=True)
        self._process.start()
        theirs.close()
        ours.setblocking(False)
        self._socket = ours
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.peak_rss: int | None = None
        self.spent = False

    @property
    def pid(self) -> int:
        """Process id; also the id of its process group."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    async def perform(
        self, task: dict[str, Any], on_progress: Callable[[float, str], None]
    ) -> dict[str, Any]:
        """Run one task and return the child's answer.

        Raises:
            ChildDied: it ended first.
            BadAnswer: it sent garbage, or too much; it has been killed.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(sock=self._socket)
        reader, writer = self._streams
        self.peak_rss = None
        try:
            writer.write(frames.encode(task))
            await writer.drain()
            while (message := await frames.read(reader)).get("type") == "progress":
                self.peak_rss = int(message["peak_rss"])
                on_progress(float(message["progress"]), str(message["stage"]))
            return message
        except (EOFError, OSError):
            self.spent = True
            await self._reap()
            raise ChildDied(self._process.exitcode) from None
        except (frames.FrameTooLarge, ValueError, KeyError, TypeError) as error:
            self.kill()
            raise BadAnswer(str(error)) from error

    def kill(self) -> None:
        """SIGKILL the child and everything it started; returns at once."""
        self.spent = True
        if not self.alive:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # not yet the leader of its group
            self._process.kill()

    async def _reap(self) -> None:
        # A handler may close its end and live on: it gets a second, then it is killed.
        await asyncio.to_thread(self._process.join, 1.0)
        if self.alive:
            self.kill()
        await asyncio.to_thread(self._process.join)

    async def close(self) -> None:
        """Kill, reap and free what belongs to the child."""
        self.kill()
        await self._reap()
        if self._streams is not None:
            self._streams[1].close()
        else:
            self._socket.close()
        self._process.close()


class Pool:
    """Children for ``slots`` jobs at once, each allowed ``memory_bytes`` of RLIMIT_DATA."""

    def __init__(self, slots: int, memory_bytes: int) -> None:
        self._slots = slots
        self._memory_bytes = memory_bytes
        self._idle: deque[Child] = deque()
        self._busy = 0
        self._closing: set[asyncio.Task[None]] = set()
        self._stopped = False

    def start(self) -> None:
        """Start a child per slot and the spare."""
        _forks.set_forkserver_preload(["worker.preload"])
        self._refill()

    def _refill(self) -> None:
        while not self._stopped and len(self._idle) + self._busy < self._slots + SPARES:
            self._idle.append(Child(self._memory_bytes))

    def checkout(self) -> Child:
        """Lend a warm child."""
        self._busy += 1
        while self._idle:
            child = self._idle.popleft()
            if child.alive:
                return child
            self._dispose(child)  # killed while it waited, by the kernel say: no job's fault
        return Child(self._memory_bytes)

    def checkin(self, child: Child) -> None:
        """Take a child back; a spent one is replaced."""
        self._busy -= 1
        if child.spent or self._stopped:
            self._dispose(child)
            # Later, so that the next job starts on the spare before a new child is made.
            asyncio.get_running_loop().call_soon(self._refill)
        else:
            self._idle.appendleft(child)

    def _dispose(self, child: Child) -> None:
        task = asyncio.create_task(child.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def stop(self) -> None:
        """End all idle children and wait for those on their way out."""
        self._stopped = True
        while self._idle:
            self._dispose(self._idle.popleft())
        while self._closing:
            await asyncio.gather(*self._closing)
