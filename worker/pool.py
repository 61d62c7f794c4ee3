"""A pool of killable children: one process per slot and a warm spare.

Tasks queue here until a child can take them. A child is sent several quick tasks ahead, so that it
never waits for the worker; once a task takes long, those behind it are recalled for other children.
"""

import asyncio
import logging
import multiprocessing
import time
from collections import deque

from worker import usage
from worker.admission import Admission
from worker.limits import Exceeded, Limits
from worker.pool_task import LimitExceeded, PoolTask, Unqueued
from worker.process import Child

logger = logging.getLogger(__name__)

SPARES = 1
# A slot prefetches this much work; nothing is sent behind a task that takes longer.
PREFETCH_SECONDS = 0.05
MAX_PREFETCHED = 256
MAX_SENT = 64
WATCH_SECONDS = 0.05
MEASURE_SECONDS = 0.25
RESTART_SECONDS = 0.5
_SMOOTHING = 0.2


class Pool:
    """Children for ``slots`` tasks at once.

    ``children`` are the processes of the slots; ``changed`` is set whenever :attr:`window` or the
    set of running tasks may have changed.
    """

    def __init__(self, slots: int, limits: Limits, admission: Admission | None = None) -> None:
        """``admission`` decides how many slots may work with the free memory."""
        self.slots = slots
        self.children: list[Child] = []
        self.changed = asyncio.Event()
        self._limits = limits
        self._admission = admission or Admission(limits.memory_bytes)
        self._admitted_slots = slots
        self._admission_checked_at = float("-inf")
        self._spares: list[Child] = []
        self._queue: deque[PoolTask] = deque()
        self._mean_seconds: float | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._submitted = asyncio.Event()
        self._stopped = False

    def start(self) -> None:
        """Start a child per slot and the spare."""
        multiprocessing.set_forkserver_preload(["worker.preload"])
        self._refill()

    @property
    def refusal(self) -> str | None:
        """Why a free slot may not work at the moment; None if all may."""
        return self._admission.refusal

    @property
    def window(self) -> int:
        """How many tasks the pool should hold, running and queued.

        As many as the slots can do in :data:`PREFETCH_SECONDS`; one per slot if tasks take long.
        """
        self._check_admission()
        running = [child.running_seconds for child in self.children if child.sent]
        long = sum(seconds > PREFETCH_SECONDS for seconds in running)
        quick = min(self.slots, self._admitted_slots) - long
        return max(0, min(long + quick * self._prefetch, max(MAX_PREFETCHED, self.slots)))

    @property
    def _prefetch(self) -> int:
        if self._mean_seconds is None:
            return 1
        return max(1, min(MAX_PREFETCHED, int(PREFETCH_SECONDS / max(self._mean_seconds, 1e-6))))

    def submit(self, task: PoolTask) -> None:
        """Queue a task."""
        self._queue.append(task)
        self._check_admission()
        self._dispatch()
        self._submitted.set()

    def kill(self, task: PoolTask, reason: Exception | None = None) -> None:
        """End a task at once: unqueue it or kill its child. ``reason`` becomes its result."""
        for child in self.children:
            if task in child.sent:
                # If the child has not started this task, recalling it spares the process.
                self._requeue(child.recall())
                if task in child.sent:
                    child.kill(task, reason)
                break
        self.unqueue(task)
        self._dispatch()

    def unqueue(self, task: PoolTask) -> bool:
        """Remove a task that was not sent to a child; False if it was."""
        if task not in self._queue:
            return False
        self._queue.remove(task)
        task.on_result(Unqueued())
        return True

    def _requeue(self, tasks: list[PoolTask]) -> None:
        self._queue.extendleft(reversed(tasks))

    def _refill(self) -> None:
        if self._stopped:
            return
        while self._spares and len(self.children) < self.slots:
            self.children.append(self._spares.pop())
        while len(self.children) < self.slots:
            self.children.append(Child(self._limits, self))
        while len(self._spares) < SPARES:
            self._spares.append(Child(self._limits, self))
        self._dispatch()

    def _dispatch(self) -> None:
        """Send queued tasks to the children that can take them."""
        while self._queue:
            child = self._next_child()
            if child is None or not child.send(self._queue[0]):
                return
            self._queue.popleft()

    def _next_child(self) -> Child | None:
        best, busy = None, 0
        limit = min(MAX_SENT, self._prefetch)
        for child in self.children:
            sent = len(child.sent)
            busy += sent > 0
            if sent and (sent >= limit or child.running_seconds > PREFETCH_SECONDS):
                continue
            if best is None or sent < len(best.sent):
                best = child
        if best is not None and not best.sent and busy >= self._admitted_slots:
            return None
        return best

    def answered(self, child: Child, wall_seconds: float) -> None:
        """A child has finished a task (see process.Owner)."""
        if self._mean_seconds is None:
            self._mean_seconds = wall_seconds
        else:
            self._mean_seconds += _SMOOTHING * (wall_seconds - self._mean_seconds)
        if len(child.sent) <= MAX_SENT // 2:
            self._dispatch()
        self.changed.set()

    def lost(self, child: Child, unread: list[PoolTask]) -> None:
        """A child is dead (see process.Owner): the spare replaces it, and a new spare starts."""
        self._requeue(unread)
        if child in self._spares:
            self._spares.remove(child)
        elif child in self.children:
            self.children.remove(child)
            if self._spares and not self._stopped:
                self.children.append(self._spares.pop())
        closing = asyncio.create_task(child.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        if self._stopped:
            return
        self._dispatch()
        self.changed.set()
        loop = asyncio.get_running_loop()
        if child.has_started_task:
            # Later, so that the next task starts on the spare before a new child is forked.
            loop.call_soon(self._refill)
        else:
            logger.error("a child process ended before it could work")
            loop.call_later(RESTART_SECONDS, self._refill)

    def _check_admission(self) -> None:
        now = time.monotonic()
        if now - self._admission_checked_at >= MEASURE_SECONDS:
            self._admission_checked_at = now
            resident = [usage.resident_bytes(child.pid) for child in self.children if child.sent]
            before = self._admitted_slots
            self._admitted_slots = self._admission.slots(self.slots, resident)
            if self._admitted_slots < before:
                logger.warning("only %d slots may work: %s", self._admitted_slots, self.refusal)

    async def watch(self) -> None:
        """Recall tasks queued behind long ones and enforce the limits, until cancelled."""
        measured_at = 0.0
        while True:
            if not self._queue and not any(child.sent for child in self.children):
                self._submitted.clear()
                # Nothing runs; but if slots were refused, memory may become free for them.
                if self._admitted_slots >= self.slots:
                    await self._submitted.wait()
            await asyncio.sleep(WATCH_SECONDS)
            for child in list(self.children):
                if len(child.sent) > 1 and child.running_seconds > PREFETCH_SECONDS:
                    self._requeue(child.recall())
                child.output.trim()
                self._enforce_wall_time(child)
            if time.monotonic() - measured_at >= MEASURE_SECONDS:
                measured_at = time.monotonic()
                await self._enforce_usage()
                self._check_admission()
            self._dispatch()
            self.changed.set()

    def _enforce_wall_time(self, child: Child) -> None:
        limit = self._limits.wall_seconds
        if limit and child.running_seconds > limit:
            self._kill_running(child, child.sent[0], Exceeded.WALL)

    async def _enforce_usage(self) -> None:
        for child in list(self.children):
            if child.running_seconds < MEASURE_SECONDS:
                continue
            task = child.sent[0]
            child.measure(task)
            if 0 < self._limits.cpu_seconds < (task.usage.cpu_seconds or 0.0):
                self._kill_running(child, task, Exceeded.CPU)
            written = await asyncio.to_thread(usage.folder_bytes, task.folder)
            if written > self._limits.output_bytes:
                self._kill_running(child, task, Exceeded.OUTPUT)

    def _kill_running(self, child: Child, task: PoolTask, limit: Exceeded) -> None:
        if child.sent and child.sent[0] is task:
            self.kill(task, LimitExceeded(limit, self._limits.describe(limit)))

    async def stop(self) -> None:
        """Kill all children and wait until they are reaped."""
        self._stopped = True
        children = [*self.children, *self._spares]
        await asyncio.gather(*(child.close() for child in children))
        while self._closing:
            await asyncio.gather(*self._closing)
