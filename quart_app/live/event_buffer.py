"""The newest events, in memory for clients that follow single events or wait for one file."""

import asyncio
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence

from processing.events import Event, Events
from processing.states import TERMINAL_STATUSES

MAX_EVENTS = 10_000
PAGE_SIZE = 1000
THROUGHPUT_SECONDS = 60

Entry = tuple[str, Event]


def parse_stream_id(entry_id: str) -> tuple[int, int]:
    """Split a stream id into (milliseconds, sequence number), which sort like the stream."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)


class EventBuffer:
    """The newest events of the stream; older ones are read from the stream itself.

    ``epoch`` counts how often the stream was reset while we followed it: positions of an earlier
    epoch are invalid. ``cursor`` is the id of the last entry read, '' before the first.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._ids: list[tuple[int, int]] = []
        self._entries: list[Entry] = []
        # Everything after this id is in memory; None until the stream is followed.
        self._start: tuple[int, int] | None = None
        self._arrived = asyncio.Event()
        self._waiters: dict[int, set[asyncio.Future[None]]] = {}
        self._finished: deque[tuple[float, str]] = deque()
        self._created_at = time.monotonic()
        self.epoch = 0
        self.cursor = ""

    def reset(self, cursor: str) -> None:
        """Start after ``cursor`` with an empty buffer; the second call begins a new epoch."""
        if self._start is not None:
            self.epoch += 1
        self.cursor = cursor
        self._start = parse_stream_id(cursor)
        self._ids, self._entries = [], []
        self.wake_readers()

    def add(self, entries: Sequence[tuple[str, Event | None]]) -> None:
        """Append what this process's follower has read; malformed entries are None."""
        now = time.monotonic()
        for entry_id, event in entries:
            self.cursor = entry_id
            if event is not None:
                self._append(entry_id, event, now)
        if len(self._ids) > 2 * MAX_EVENTS:
            self._start = self._ids[-MAX_EVENTS - 1]
            del self._ids[:-MAX_EVENTS], self._entries[:-MAX_EVENTS]
        self.wake_readers()

    def _append(self, entry_id: str, event: Event, now: float) -> None:
        self._ids.append(parse_stream_id(entry_id))
        self._entries.append((entry_id, event))
        if event.type != "status":
            return
        for waiter in self._waiters.pop(event.file_id, ()):
            if not waiter.done():
                waiter.set_result(None)
        if event.status in TERMINAL_STATUSES:
            self._finished.append((now, event.status))

    def wake_readers(self) -> None:
        """Wake every :meth:`read_after` that waits, so that it checks for new entries."""
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def read_after(self, cursor: str, seconds: float) -> list[Entry]:
        """Read what follows ``cursor``, or wait up to ``seconds`` for it.

        Raises:
            RedisUnavailable: it is not in memory, and the stream cannot be read.
        """
        position = parse_stream_id(cursor)
        in_memory = self._start is not None and position >= self._start
        if not in_memory and (page := await self._events.range(cursor, PAGE_SIZE)):
            return page
        arrived = self._arrived
        if not self._ids or self._ids[-1] <= position:
            try:
                async with asyncio.timeout(seconds):
                    await arrived.wait()
            except TimeoutError:
                return []
        first = bisect_right(self._ids, position)
        return self._entries[first : first + PAGE_SIZE]

    async def wait_for_status(self, file_id: int, seconds: float) -> None:
        """Wait until the status of a file changes, or ``seconds`` have passed."""
        changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(file_id, set()).add(changed)
        try:
            async with asyncio.timeout(seconds):
                await changed
        except TimeoutError:
            waiters = self._waiters.get(file_id, set())
            waiters.discard(changed)
            if not waiters:
                self._waiters.pop(file_id, None)

    def throughput(self) -> tuple[Counter[str], float]:
        """Count files that finished in the last minute by status, and the seconds covered."""
        now = time.monotonic()
        while self._finished and self._finished[0][0] < now - THROUGHPUT_SECONDS:
            self._finished.popleft()
        finished = Counter(status for _, status in self._finished)
        return finished, min(THROUGHPUT_SECONDS, now - self._created_at)
