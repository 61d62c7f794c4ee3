"""One child process: what it was sent, what it answers, how it is killed and reaped."""

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

from worker import answers, ipc_protocol, usage
from worker.answers import InvalidAnswer, Progress
from worker.child import serve
from worker.limits import Limits
from worker.output_capture import OutputCapture
from worker.pool_task import ChildDied, Disconnected, PoolTask

logger = logging.getLogger(__name__)

READ_BYTES = 256 * 1024
EXIT_SECONDS = 1.0
_forkserver = multiprocessing.get_context("forkserver")


class Owner(Protocol):
    """What a child reports to."""

    def answered(self, child: "Child", wall_seconds: float) -> None:
        """The child has finished a task that took ``wall_seconds``, and starts its next one."""

    def lost(self, child: "Child", unread: list[PoolTask]) -> None:
        """The child is dead or cannot be used any more; it has not read ``unread``."""


class Child:
    """One process. ``sent`` are its tasks, of which the first runs; ``output`` is what it prints.

    ``has_started_task`` is False for a child that ended at its start; such a child is not replaced
    at once.
    """

    def __init__(self, limits: Limits, owner: Owner) -> None:
        self.sent: deque[PoolTask] = deque()
        self.output = OutputCapture()
        self.has_started_task = False
        self._owner = owner
        self._tasks, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._answers, answering = socket.socketpair()
        # Started from the main thread: the death signal follows the thread that started it.
        self._process = _forkserver.Process(
            target=serve, args=(theirs, answering, self.output.argument, limits), daemon=True
        )
        self._process.start()
        answering.close()
        # The end that the child reads from stays open here, to recall what it has not read.
        self._unread = theirs
        # The system's default may be too small for the largest task, or for many small ones.
        send_buffer = 4 * ipc_protocol.MAX_TASK_BYTES
        self._tasks.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self._tasks.setblocking(False)
        self._answers.setblocking(False)
        self._decoder = ipc_protocol.Decoder()
        # CPU time of all answered tasks, to be subtracted for the running one.
        self._answered_cpu_seconds = 0.0
        self._reaping: asyncio.Task[None] | None = None
        self._dead = False
        self._kill_target: PoolTask | None = None
        assert self._process.pid is not None
        self.pid: int = self._process.pid
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._answers.fileno(), self._on_readable)

    @property
    def running_seconds(self) -> float:
        """How long the running task has been running; 0 if none is."""
        started_at = self.sent[0].started_at if self.sent else None
        return time.monotonic() - started_at if started_at is not None else 0.0

    def send(self, task: PoolTask) -> bool:
        """Send a task; False if the connection is full."""
        try:
            self._tasks.send(task.message)
        except BlockingIOError:
            return False
        except OSError as error:
            task.on_result(ipc_protocol.MessageTooLarge(f"it cannot be sent to a child: {error}"))
            return True
        if not self.sent:
            task.started_at = time.monotonic()
        self.sent.append(task)
        return True

    def recall(self) -> list[PoolTask]:
        """Take back the tasks that the child has not read, in their order."""
        count = 0
        with contextlib.suppress(OSError):
            while self._unread.recv(ipc_protocol.MAX_TASK_BYTES, socket.MSG_DONTWAIT):
                count += 1
        recalled = [self.sent.pop() for _ in range(count)]
        for task in recalled:
            task.started_at = None
        return recalled[::-1]

    def _on_readable(self) -> None:
        try:
            data = self._answers.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._on_disconnect()
            return
        try:
            for message in self._decoder.feed(data):
                self._on_message(message)
        except (
            ipc_protocol.MessageTooLarge,
            ValueError,
            KeyError,
            TypeError,
            InvalidAnswer,
        ) as error:
            self.kill(self.sent[0] if self.sent else None, InvalidAnswer(str(error)))
            self._on_disconnect()

    def _on_message(self, message: dict[str, Any]) -> None:
        answer = answers.parse(message)
        if not self.sent:
            raise InvalidAnswer("an answer without a task")
        task = self.sent[0]
        if isinstance(answer, Progress):
            task.on_progress(answer.fraction, answer.stage)
            return
        if answer.key != task.key:
            raise InvalidAnswer("an answer to another task")
        self._answered_cpu_seconds += answer.usage.cpu_seconds or 0.0
        self.has_started_task = True
        self.sent.popleft()
        if self.sent:
            self.sent[0].started_at = time.monotonic()
        if printed := self.output.take():
            logger.info("file %s printed: %s", task.key, printed)
        self._owner.answered(self, answer.usage.wall_seconds or 0.0)
        task.on_result(answer)

    def measure(self, task: PoolTask) -> None:
        """Note what the running task has used so far, in case it never answers."""
        used = task.usage
        total = usage.cpu_seconds(self.pid)
        cpu = used.cpu_seconds if total is None else max(0.0, total - self._answered_cpu_seconds)
        peak = usage.peak_bytes(self.pid) or used.peak_rss
        task.usage = used._replace(cpu_seconds=cpu, peak_rss=peak)

    def kill(self, target: PoolTask | None = None, reason: Exception | None = None) -> None:
        """SIGKILL the child and everything it started; return at once.

        ``target`` is the task to end: its result is ``reason``, unless its answer is already on
        its way. If the child has started another task meanwhile, that one is given back.
        """
        if self._dead:
            return
        if target is not None:
            self._kill_target = target
            target.kill_reason = target.kill_reason or reason
            self.measure(target)
        self._kill_group()

    def _kill_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # it does not lead its group yet, or has ended
            self._process.kill()

    def _on_disconnect(self) -> None:
        """Give back the tasks that the child has not read, then find out why it disconnected."""
        if self._dead:
            return
        self._dead = True
        self._loop.remove_reader(self._answers.fileno())
        unread = self.recall()
        # Its answers arrived before its end, so the first task left in sent, if any, was running.
        running = self.sent.popleft() if self.sent else None
        self.has_started_task = self.has_started_task or running is not None
        if running is not None and self._kill_target not in (None, running):
            unread.insert(0, running)
            running.started_at = None
            running = None
        if running is not None and running.started_at is not None:
            wall = time.monotonic() - running.started_at
            running.usage = running.usage._replace(wall_seconds=wall)
        self._reaping = asyncio.create_task(self._reap(running))
        self._owner.lost(self, unread)

    async def _reap(self, running: PoolTask | None) -> None:
        """Wait for the process to exit, report the running task's result, free everything."""
        # It may have closed its connection without exiting: then it is killed after a second. On
        # a busy machine the fork server may need longer to report an exit.
        exited = await self._exited(EXIT_SECONDS) or not usage.is_running(self.pid)
        self._kill_group()  # what it started dies with it
        await self._exited(None)
        reason: Exception = ChildDied(self._process.exitcode) if exited else Disconnected()
        printed = self.output.take()
        if running is not None:
            if printed:
                logger.warning("file %s lost its process, which printed: %s", running.key, printed)
            running.on_result(running.kill_reason or reason)
        for connection in (self._tasks, self._unread, self._answers):
            connection.close()
        self.output.close()
        self._process.close()

    async def _exited(self, seconds: float | None) -> bool:
        """Wait until the process has exited; False if that takes longer than ``seconds``.

        Not in a thread: multiprocessing polls all its processes whenever it starts one, and if
        two callers read an exit code at the same time, one gets a wrong one.
        """
        exited = asyncio.Event()
        self._loop.add_reader(self._process.sentinel, exited.set)
        try:
            async with asyncio.timeout(seconds):
                await exited.wait()
        except TimeoutError:
            return False
        finally:
            self._loop.remove_reader(self._process.sentinel)
        return self._process.exitcode is not None

    async def close(self) -> None:
        """Kill and reap the child."""
        self.kill()
        self._on_disconnect()
        assert self._reaping is not None
        await self._reaping
