"""A pool of killable children, a process for each slot and a warm spare.

Tasks wait here until a child can have them. While they are quick a child is sent several, so that
it never waits for us; once one takes long, those behind it are taken back for other children.
"""

import asyncio
import logging
import multiprocessing
import time
from collections import deque

from worker import usage
from worker.admission import Admission
from worker.limits import Exceeded, Limits
from worker.process import Child
from worker.ticket import LimitExceeded, Ticket, Withdrawn

logger = logging.getLogger(__name__)

SPARES = 1
# As much work as a slot should have in store; a task that takes longer has nobody behind it.
SLICE_SECONDS = 0.05
MOST_IN_STORE = 256
MOST_SENT = 64
WATCH_SECONDS = 0.05
MEASURE_SECONDS = 0.25
RESTART_SECONDS = 0.5
_SMOOTHING = 0.2


class Pool:
    """Children for ``slots`` tasks at once."""

    def __init__(self, slots: int, limits: Limits, admission: Admission | None = None) -> None:
        """``admission`` says how many of the slots may work with the memory there is."""
        self.slots = slots
        self._limits = limits
        self._admission = admission or Admission(limits.memory_bytes)
        self._allowed = slots
        self._weighed = float("-inf")
        self._children: list[Child] = []
        self._spare: list[Child] = []
        self._pending: deque[Ticket] = deque()
        self._seconds: float | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._work = asyncio.Event()
        self._stopped = False
        self.changed = asyncio.Event()

    def start(self) -> None:
        """Start a child per slot and the spare."""
        multiprocessing.set_forkserver_preload(["worker.preload"])
        self._refill()

    @property
    def refusal(self) -> str | None:
        """Why a free slot may not work at the moment; None where all may."""
        return self._admission.refusal

    @property
    def window(self) -> int:
        """How many tasks are worth having here, running and waiting.

        As many as the slots can do in a moment, one for each slot while tasks take long.
        """
        self._weigh()
        busy = [child.running_seconds for child in self._children if child.sent]
        long = sum(seconds > SLICE_SECONDS for seconds in busy)
        quick = min(self.slots, self._allowed) - long
        return max(0, min(long + quick * self._in_store, max(MOST_IN_STORE, self.slots)))

    @property
    def _in_store(self) -> int:
        if self._seconds is None:
            return 1
        return max(1, min(MOST_IN_STORE, int(SLICE_SECONDS / max(self._seconds, 1e-6))))

    def submit(self, ticket: Ticket) -> None:
        """Have a task done."""
        self._pending.append(ticket)
        self._weigh()
        self._pump()
        self._work.set()

    def kill(self, ticket: Ticket, reason: Exception | None = None) -> None:
        """End a task at once: its child is killed, or it never starts."""
        for child in self._children:
            if ticket in child.sent:
                # What it has not begun with goes to the others, this task perhaps to nobody.
                self._pending.extendleft(reversed(child.take_back()))
                if ticket in child.sent:
                    child.kill(ticket, reason)
                break
        self.withdraw(ticket)
        self._pump()

    def withdraw(self, ticket: Ticket) -> bool:
        """Take a task back that no child has been sent; False where one has."""
        if ticket not in self._pending:
            return False
        self._pending.remove(ticket)
        ticket.on_end(Withdrawn())
        return True

    def _refill(self) -> None:
        if self._stopped:
            return
        while self._spare and len(self._children) < self.slots:
            self._children.append(self._spare.pop())
        while len(self._children) < self.slots:
            self._children.append(Child(self._limits, self))
        while len(self._spare) < SPARES:
            self._spare.append(Child(self._limits, self))
        self._pump()

    def _pump(self) -> None:
        """Send waiting tasks to the children that can have them."""
        while self._pending:
            child = self._next_child()
            if child is None or not child.send(self._pending[0]):
                return
            self._pending.popleft()

    def _next_child(self) -> Child | None:
        best, busy = None, 0
        most = min(MOST_SENT, self._in_store)
        for child in self._children:
            sent = len(child.sent)
            busy += sent > 0
            if sent and (sent >= most or child.running_seconds > SLICE_SECONDS):
                continue
            if best is None or sent < len(best.sent):
                best = child
        if best is not None and not best.sent and busy >= self._allowed:
            return None
        return best

    def answered(self, child: Child, wall_seconds: float) -> None:
        """A child has finished with a task."""
        if self._seconds is None:
            self._seconds = wall_seconds
        else:
            self._seconds += _SMOOTHING * (wall_seconds - self._seconds)
        if len(child.sent) <= MOST_SENT // 2:
            self._pump()
        self.changed.set()

    def lost(self, child: Child, unread: list[Ticket]) -> None:
        """A child is dead: the spare takes its place, and a new spare is started."""
        self._pending.extendleft(reversed(unread))
        if child in self._spare:
            self._spare.remove(child)
        elif child in self._children:
            self._children.remove(child)
            if self._spare and not self._stopped:
                self._children.append(self._spare.pop())
        closing = asyncio.create_task(child.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        if self._stopped:
            return
        self._pump()
        self.changed.set()
        loop = asyncio.get_running_loop()
        if child.useful:
            # Later, so that the next task starts on the spare before a new child is made.
            loop.call_soon(self._refill)
        else:
            logger.error("a child process ended before it could work")
            loop.call_later(RESTART_SECONDS, self._refill)

    def _weigh(self) -> None:
        now = time.monotonic()
        if now - self._weighed >= MEASURE_SECONDS:
            self._weighed = now
            busy = [usage.resident_bytes(child.pid) for child in self._children if child.sent]
            before = self._allowed
            self._allowed = self._admission.slots(self.slots, busy)
            if self._allowed < before:
                logger.warning("only %d slots may work, %s", self._allowed, self.refusal)

    async def watch(self) -> None:
        """Free what waits behind a long task and hold tasks to their limits, until cancelled."""
        measured = 0.0
        while True:
            if not self._pending and not any(child.sent for child in self._children):
                self._work.clear()
                # Nothing runs; but memory may come free for those who wait to be let in.
                if self._allowed >= self.slots:
                    await self._work.wait()
            await asyncio.sleep(WATCH_SECONDS)
            for child in list(self._children):
                if len(child.sent) > 1 and child.running_seconds > SLICE_SECONDS:
                    self._pending.extendleft(reversed(child.take_back()))
                self._hold_to_wall(child)
            if time.monotonic() - measured >= MEASURE_SECONDS:
                measured = time.monotonic()
                await self._measure()
                self._weigh()
            self._pump()
            self.changed.set()

    def _hold_to_wall(self, child: Child) -> None:
        most = self._limits.wall_seconds
        child.check_printed()
        if most and child.running_seconds > most:
            self._exceeded(child, child.sent[0], Exceeded.WALL)

    async def _measure(self) -> None:
        for child in list(self._children):
            if child.running_seconds < MEASURE_SECONDS:
                continue
            ticket = child.sent[0]
            child.note_figures(ticket)
            if 0 < self._limits.cpu_seconds < (ticket.usage.cpu_seconds or 0.0):
                self._exceeded(child, ticket, Exceeded.CPU)
            written = await asyncio.to_thread(usage.folder_bytes, ticket.folder)
            if written > self._limits.output_bytes:
                self._exceeded(child, ticket, Exceeded.OUTPUT)

    def _exceeded(self, child: Child, ticket: Ticket, limit: Exceeded) -> None:
        if child.sent and child.sent[0] is ticket:
            self.kill(ticket, LimitExceeded(limit, self._limits.sentence(limit)))

    async def stop(self) -> None:
        """End all children and wait for those on their way out."""
        self._stopped = True
        children = [*self._children, *self._spare]
        await asyncio.gather(*(child.close() for child in children))
        while self._closing:
            await asyncio.gather(*self._closing)
