"""One child process: what was sent to it, what it answers, how it is killed and buried."""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import time
from collections import deque
from typing import Any, Protocol

from worker import frames, usage
from worker.child import serve
from worker.limits import Limits
from worker.printed import Printed
from worker.ticket import BadAnswer, ChildDied, HungUp, Ticket

logger = logging.getLogger(__name__)

READ_BYTES = 256 * 1024
LAST_WORDS_SECONDS = 1.0
_forks = multiprocessing.get_context("forkserver")


class Owner(Protocol):
    """Who hears what becomes of a child's tasks."""

    def answered(self, child: "Child", wall_seconds: float) -> None:
        """The child has finished with a task that took so long, and takes its next one."""

    def lost(self, child: "Child", unread: list[Ticket]) -> None:
        """The child is dead or useless; it has not read ``unread``."""


class Child:
    """One process with the tasks that were sent to it; the first of them runs."""

    def __init__(self, limits: Limits, owner: Owner) -> None:
        self._owner = owner
        self._tasks, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._answers, answering = socket.socketpair()
        self._printed = Printed()
        # Started from the main thread: the death signal follows the thread that started it.
        self._process = _forks.Process(
            target=serve, args=(theirs, answering, self._printed.argument, limits), daemon=True
        )
        self._process.start()
        answering.close()
        # We keep the end that the child reads from: what it has not read we can take back.
        self._unread = theirs
        # Whatever the system's default is: the largest task must fit, and many small ones.
        self._tasks.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * frames.MAX_TASK_BYTES)
        self._tasks.setblocking(False)
        self._answers.setblocking(False)
        self._decoder = frames.Decoder()
        # CPU time of all tasks that were answered, to tell that of the running one.
        self._cpu_before = 0.0
        self._closed: asyncio.Task[None] | None = None
        self.sent: deque[Ticket] = deque()
        self.dead = False
        # Whether it ever did anything: one that ends before that is not replaced in a hurry.
        self.useful = False
        self._target: Ticket | None = None
        assert self._process.pid is not None
        self.pid: int = self._process.pid
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._answers.fileno(), self._readable)

    @property
    def running_seconds(self) -> float:
        """How long the task that runs has been running; 0 where none does."""
        began = self.sent[0].began if self.sent else None
        return time.monotonic() - began if began is not None else 0.0

    def send(self, ticket: Ticket) -> bool:
        """Send a task; False if there is no room for it now."""
        try:
            self._tasks.send(ticket.message)
        except BlockingIOError:
            return False
        except OSError as error:
            ticket.on_end(frames.FrameTooLarge(f"it cannot be sent to a child: {error}"))
            return True
        if not self.sent:
            ticket.began = time.monotonic()
        self.sent.append(ticket)
        return True

    def take_back(self) -> list[Ticket]:
        """Take back the tasks that the child has not read, in their order."""
        count = 0
        with contextlib.suppress(OSError):
            while self._unread.recv(frames.MAX_TASK_BYTES, socket.MSG_DONTWAIT):
                count += 1
        back = [self.sent.pop() for _ in range(count)]
        for ticket in back:
            ticket.began = None
        return back[::-1]

    def _readable(self) -> None:
        try:
            data = self._answers.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        try:
            for message in self._decoder.feed(data):
                self._take(message)
        except (frames.FrameTooLarge, ValueError, KeyError, TypeError) as error:
            self.kill(self.sent[0] if self.sent else None, BadAnswer(str(error)))
            self._lose()

    def _take(self, message: dict[str, Any]) -> None:
        if not self.sent:
            raise ValueError("it answered although nothing was asked")
        ticket = self.sent[0]
        if message.get("type") == "progress":
            ticket.on_progress(float(message["progress"]), str(message["stage"]))
            return
        if message["key"] != ticket.key:
            raise ValueError("it answered for another job")
        self._cpu_before += float(message["cpu_seconds"])
        wall = float(message["wall_seconds"])
        self.useful = True
        self.sent.popleft()
        if self.sent:
            self.sent[0].began = time.monotonic()
        words = self._printed.take()
        if words:
            logger.info("file %s printed: %s", ticket.key, words)
        self._owner.answered(self, wall)
        ticket.on_end(message)

    def check_printed(self) -> None:
        """Drop what was printed if it is much."""
        self._printed.trim()

    def note_figures(self, ticket: Ticket) -> None:
        """Note what the task that runs has used so far, in case it gets no further."""
        used = ticket.usage
        total = usage.cpu_seconds(self.pid)
        cpu = used.cpu_seconds if total is None else max(0.0, total - self._cpu_before)
        peak = usage.peak_bytes(self.pid) or used.peak_rss
        ticket.usage = used._replace(cpu_seconds=cpu, peak_rss=peak)

    def kill(self, target: Ticket | None = None, reason: Exception | None = None) -> None:
        """SIGKILL the child and everything it started; returns at once.

        ``target`` is the task that this is about; it ends with ``reason``, unless its answer is
        already on its way. Another one that the child has begun meanwhile is given back.
        """
        if self.dead:
            return
        if target is not None:
            self._target = target
            target.reason = target.reason or reason
            self.note_figures(target)
        self._kill_group()

    def _kill_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # not yet the leader of its group, or gone
            self._process.kill()

    def _lose(self) -> None:
        """The child hung up: give back what it has not read, find out why it did."""
        if self.dead:
            return
        self.dead = True
        self._loop.remove_reader(self._answers.fileno())
        unread = self.take_back()
        # What it answered has arrived before its end: what is left of sent, if anything, ran.
        running = self.sent.popleft() if self.sent else None
        self.useful = self.useful or running is not None
        if running is not None and self._target not in (None, running):
            unread.insert(0, running)
            running.began = None
            running = None
        if running is not None and running.began is not None:
            wall = time.monotonic() - running.began
            running.usage = running.usage._replace(wall_seconds=wall)
        self._closed = asyncio.create_task(self._bury(running))
        self._owner.lost(self, unread)

    async def _bury(self, running: Ticket | None) -> None:
        # It may have closed its end and live on: it gets a second, then it is killed.
        lives = not await self._exited(LAST_WORDS_SECONDS)
        self._kill_group()  # what it started dies with it
        await self._exited(None)
        death: Exception = ChildDied(self._process.exitcode)
        if lives:
            death = HungUp()
        words = self._printed.take()
        if running is not None:
            if words:
                logger.warning("file %s ended its process, its last words: %s", running.key, words)
            running.on_end(running.reason or death)
        for connection in (self._tasks, self._unread, self._answers):
            connection.close()
        self._printed.close()
        self._process.close()

    async def _exited(self, seconds: float | None) -> bool:
        """Wait until the process has ended; False if it takes longer than ``seconds``.

        Not in a thread: multiprocessing polls all its processes whenever it starts one, and of
        two that read an exit code at the same time one gets a wrong one.
        """
        ended = asyncio.Event()
        self._loop.add_reader(self._process.sentinel, ended.set)
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            return False
        finally:
            self._loop.remove_reader(self._process.sentinel)
        return self._process.exitcode is not None

    async def close(self) -> None:
        """Kill, reap and free what belongs to the child."""
        self.kill()
        self._lose()
        assert self._closed is not None
        await self._closed
