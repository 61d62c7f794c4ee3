"""What happened lately, kept in memory for those who follow single events or wait for a file."""

import asyncio
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence

from processing.events import Event, Events
from processing.states import TERMINAL_STATUSES

KEPT = 10_000
PAGE = 1000
THROUGHPUT_SECONDS = 60

Entry = tuple[str, Event]


def order_of(entry_id: str) -> tuple[int, int]:
    """A stream id as something that can be compared."""
    moment, _, number = entry_id.partition("-")
    return int(moment), int(number)


class Journal:
    """The newest events of the stream; older ones are read from the stream itself."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._ids: list[tuple[int, int]] = []
        self._entries: list[Entry] = []
        # Everything after this id is in memory; None until the stream was looked at.
        self._since: tuple[int, int] | None = None
        self._news = asyncio.Event()
        self._waiting: dict[int, set[asyncio.Future[None]]] = {}
        self._ends: deque[tuple[float, str]] = deque()
        self._began = time.monotonic()
        self.life = 0

    def begin(self, cursor: str) -> None:
        """Start after ``cursor``; what was known is of another life of the stream."""
        if self._since is not None:
            self.life += 1
        self._since = order_of(cursor)
        self._ids, self._entries = [], []
        self.wake()

    def add(self, entries: Sequence[tuple[str, Event | None]]) -> None:
        """Take what the one reader of this process has read."""
        now = time.monotonic()
        for entry_id, event in entries:
            if event is None:
                continue
            self._ids.append(order_of(entry_id))
            self._entries.append((entry_id, event))
            if event.type == "status":
                for waiting in self._waiting.pop(event.file_id, ()):
                    if not waiting.done():
                        waiting.set_result(None)
                if event.status in TERMINAL_STATUSES:
                    self._ends.append((now, event.status))
        if len(self._ids) > 2 * KEPT:
            self._since = self._ids[-KEPT - 1]
            del self._ids[:-KEPT], self._entries[:-KEPT]
        self.wake()

    def wake(self) -> None:
        """Let everyone who waits look again."""
        self._news.set()
        self._news = asyncio.Event()

    async def after(self, cursor: str, seconds: float) -> list[Entry]:
        """Read what follows ``cursor``, or wait up to ``seconds`` for it.

        Raises:
            RedisUnavailable: it is not in memory, and the stream does not answer.
        """
        position = order_of(cursor)
        in_memory = self._since is not None and position >= self._since
        if not in_memory and (page := await self._events.range(cursor, PAGE)):
            return page
        news = self._news
        if not self._ids or self._ids[-1] <= position:
            try:
                async with asyncio.timeout(seconds):
                    await news.wait()
            except TimeoutError:
                return []
        first = bisect_right(self._ids, position)
        return self._entries[first : first + PAGE]

    async def wait_for(self, file_id: int, seconds: float) -> None:
        """Wait until the status of a file changes, or ``seconds`` have passed."""
        changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(file_id, set()).add(changed)
        try:
            async with asyncio.timeout(seconds):
                await changed
        except TimeoutError:
            waiting = self._waiting.get(file_id, set())
            waiting.discard(changed)
            if not waiting:
                self._waiting.pop(file_id, None)

    def throughput(self) -> tuple[Counter[str], float]:
        """Count how many files ended as what in the last minute; and in how many seconds really."""
        now = time.monotonic()
        while self._ends and self._ends[0][0] < now - THROUGHPUT_SECONDS:
            self._ends.popleft()
        ended = Counter(status for _, status in self._ends)
        return ended, min(THROUGHPUT_SECONDS, now - self._began)
